//! Reading `guida.toml`: what is set in it, and everything that is wrong in it, each with its line.

use super::settings::Problem;
use super::suggest::nearest;
use super::table::{Key, SETTINGS, Setting};
use super::value::{Source, Value};
use std::collections::BTreeMap;
use toml_edit::{Document, Item, TableLike, TomlError};

/// Largest settings file, in bytes; one with every setting and a comment each has some five thousand.
pub const MAX_FILE_BYTES: usize = 64 << 10;
/// Most faults of writing that are told at once.
const MAX_FAULTS: usize = 20;
/// Most characters of a wrong name or value that are repeated.
const SHOWN_CHARS: usize = 60;

/// What a settings file says.
#[derive(Debug, Clone, Default)]
pub struct FileSettings {
    values: BTreeMap<Key, Value>,
    /// As they stand there, wrong ones as well.
    standing: BTreeMap<Key, String>,
    problems: Vec<Problem>,
}

impl FileSettings {
    /// Reads the bytes of a file. `name` is what problems call it.
    pub fn read(bytes: &[u8], name: &str) -> FileSettings {
        if bytes.len() > MAX_FILE_BYTES {
            return FileSettings::unreadable(
                name,
                format!("文件超过 {} KiB", MAX_FILE_BYTES >> 10),
                "确认这是设置文件;去掉多余的内容",
            );
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            let line = 1 + bytes.utf8_chunks().next().map_or(0, |chunk| chunk.valid().matches('\n').count());
            return FileSettings::unreadable(
                &at(name, line),
                "文字不是 UTF-8 编码".into(),
                "在编辑器里另存为 UTF-8 编码(记事本:另存为,编码选 UTF-8)",
            );
        };
        Reader { name, text: without_mark(text), read: FileSettings::default() }.run()
    }

    /// A file that cannot be read at all. `place` is the file, with the line where there is one.
    pub fn unreadable(place: &str, message: String, hint: &str) -> FileSettings {
        let problem = Problem { place: place.into(), message, hint: hint.into() };
        FileSettings { problems: vec![problem], ..FileSettings::default() }
    }

    /// The value of a setting.
    pub fn value(&self, key: Key) -> Option<&Value> {
        self.values.get(&key)
    }

    /// What stands there, right or wrong.
    pub fn standing(&self, key: Key) -> Option<String> {
        self.value(key).map(Value::to_string).or_else(|| self.standing.get(&key).cloned())
    }

    /// Everything that is wrong, in the order of the lines.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// The text behind the byte order mark that some editors put first.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn at(name: &str, line: usize) -> String {
    format!("{name} 第 {line} 行")
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    read: FileSettings,
}

impl Reader<'_> {
    /// A line that is no TOML is told and left out, so that what is wrong further down is told as well.
    fn run(mut self) -> FileSettings {
        let mut text = self.text.to_owned();
        let mut problems = Vec::new();
        let document = loop {
            let fault = match Document::parse(text.clone()) {
                Ok(document) => break Some(document),
                Err(fault) => fault,
            };
            let start = fault.span().map_or(0, |span| span.start.min(text.len()));
            problems.push((start, self.fault(&fault, start)));
            let line = line_around(&text, start);
            let content = text.get(line.clone()).unwrap_or_default();
            // Without its header, what follows would seem to belong elsewhere.
            let header = content.trim_start().starts_with('[');
            if header || content.trim().is_empty() || problems.len() >= MAX_FAULTS {
                break None;
            }
            let blank = " ".repeat(line.len());
            text.replace_range(line, &blank);
        };
        if let Some(document) = &document {
            self.root(document.as_table(), &mut problems);
        }
        problems.sort_by_key(|(offset, _)| *offset);
        self.read.problems = problems.into_iter().map(|(_, problem)| problem).collect();
        self.read
    }

    fn root(&mut self, root: &dyn TableLike, problems: &mut Vec<(usize, Problem)>) {
        for (name, item) in root.iter() {
            let offset = offset_of(root, name);
            let known = SETTINGS.iter().any(|setting| setting.table() == name);
            match item.as_table_like() {
                Some(table) if known => self.table(name, table, problems),
                Some(_) => {
                    let (message, hint) = unknown_table(name);
                    problems.push((offset, self.problem(offset, message, hint)));
                }
                None if known => {
                    let message = format!("{name} 是一组设置,不是一个值");
                    let hint = format!("写成单独一行 [{name}],各项设置写在它下面");
                    problems.push((offset, self.problem(offset, message, hint)));
                }
                None => {
                    let (message, hint) = unknown_words(name);
                    problems.push((offset, self.problem(offset, message, hint)));
                }
            }
        }
    }

    fn table(&mut self, name: &str, table: &dyn TableLike, problems: &mut Vec<(usize, Problem)>) {
        for (leaf, item) in table.iter() {
            let offset = offset_of(table, leaf);
            let key = format!("{name}.{leaf}");
            let Some(setting) = Setting::named(&key) else {
                let (message, hint) = unknown_words(&key);
                problems.push((offset, self.problem(offset, message, hint)));
                continue;
            };
            let value = item.as_value();
            let standing = value.map_or_else(|| "[…]".to_owned(), |value| value.to_string().trim().to_owned());
            match value.and_then(|value| setting.kind.take(value)) {
                Some(value) => {
                    self.read.values.insert(setting.id, value);
                }
                None => {
                    let message = format!("{key} 应是{},现在是 {}", setting.kind.allowed(Source::File), cut(&standing));
                    let hint = "改成允许的值,或去掉这一行".to_owned();
                    problems.push((offset, self.problem(offset, message, hint)));
                }
            }
            self.read.standing.insert(setting.id, cut(&standing));
        }
    }

    fn problem(&self, offset: usize, message: String, hint: String) -> Problem {
        Problem { place: at(self.name, line_of(self.text, offset)), message, hint }
    }

    fn fault(&self, fault: &TomlError, start: usize) -> Problem {
        let found = fault.span().and_then(|span| self.text.get(span)).unwrap_or_default();
        let said = fault.message();
        let (message, hint) = if said.starts_with("duplicate key") {
            (format!("{} 写了两次", cut(found)), "只留下一处".to_owned())
        } else if said.starts_with("string values must be quoted") {
            (format!("文字 {} 没有加引号", cut(found)), "文字放在英文双引号里,如 language = \"zh\"".to_owned())
        } else {
            (format!("写法不对({said})"), "每行写成 名字 = 值,各组用 [组名] 开头;文字加英文双引号".to_owned())
        };
        self.problem(start, message, hint)
    }
}

/// A name that is none: what is said of it, and what to do.
pub(super) fn unknown_words(key: &str) -> (String, String) {
    match nearest(key, SETTINGS.iter().map(|setting| setting.key)) {
        Some(near) => (
            format!("没有 {} 这项设置,最接近的是 {near}", cut(key)),
            format!("改成 {near}(在 [{}] 下写 {}),或去掉这一项", table_of(near), leaf_of(near)),
        ),
        None => (format!("没有 {} 这项设置", cut(key)), "去掉这一项;guida settings 列出全部设置".to_owned()),
    }
}

fn unknown_table(name: &str) -> (String, String) {
    match nearest(name, SETTINGS.iter().map(Setting::table)) {
        Some(near) => {
            (format!("没有 [{}] 这组设置,最接近的是 [{near}]", cut(name)), format!("改成 [{near}],或去掉这一组"))
        }
        None => (format!("没有 [{}] 这组设置", cut(name)), "去掉这一组;guida settings 列出全部设置".to_owned()),
    }
}

fn table_of(key: &str) -> &str {
    key.split_once('.').map_or("", |(table, _)| table)
}

fn leaf_of(key: &str) -> &str {
    key.split_once('.').map_or(key, |(_, leaf)| leaf)
}

/// Where a name stands in the text.
fn offset_of(table: &dyn TableLike, name: &str) -> usize {
    let key = table.get_key_value(name);
    let of_key = key.and_then(|(key, _)| key.span());
    of_key.or_else(|| key.and_then(|(_, item)| Item::span(item))).map_or(0, |span| span.start)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// The line around a place, without its end.
fn line_around(text: &str, offset: usize) -> std::ops::Range<usize> {
    let bytes = text.as_bytes();
    let start = bytes.iter().take(offset).rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let length = bytes.iter().skip(start).position(|byte| matches!(byte, b'\n' | b'\r'));
    start..length.map_or(text.len(), |length| start + length)
}

/// As much of something wrong as is worth repeating, on one line.
pub(super) fn cut(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() { line + "…" } else { line }
}

#[cfg(test)]
mod tests {
    use super::super::NEW_FILE;
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        FileSettings::read(text.as_bytes(), "f").problems().iter().map(Problem::to_string).collect()
    }

    fn one(text: &str, place: &str, words: &[&str]) {
        let found = problems(text);
        let [problem] = &found[..] else { panic!("{text}: {found:?}") };
        assert!(problem.starts_with(place), "{problem}");
        for word in words {
            assert!(problem.contains(word), "{problem} lacks {word}");
        }
    }

    #[test]
    fn values_are_read_however_they_are_written() {
        for text in [
            "[http]\nworkers = 16\n",
            "http.workers = 16",
            "http = { workers = 16 }",
            "\u{feff}[http]\r\nworkers = 0x10 # sixteen\r\n",
        ] {
            let read = FileSettings::read(text.as_bytes(), "f");
            assert_eq!(read.value(Key::HttpWorkers), Some(&Value::Number(16)), "{text}: {:?}", read.problems());
            assert!(read.problems().is_empty());
        }
        let read = FileSettings::read(b"import.sticks = [\"/a\", '/b']", "f");
        assert_eq!(read.standing(Key::ImportSticks).as_deref(), Some("/a:/b"));
    }

    #[test]
    fn each_fault_has_its_line_and_a_way_out() {
        one("[http]\n\nwrokers = 8\n", "f 第 3 行", &["没有 http.wrokers", "最接近的是 http.workers"]);
        one("workers = 8", "f 第 1 行", &["没有 workers", "http.workers"]);
        one("[http]\nthreads = 8", "f 第 2 行", &["models.threads"]);
        one("# x\n[htp]\nworkers = 8\nlisten = 1", "f 第 2 行", &["[htp]", "[http]"]);
        one("[upstream]\nurl = 'x'", "f 第 1 行", &["没有 [upstream]", "guida settings"]);
        one("http = 8", "f 第 1 行", &["一组设置"]);
        one("[[http]]\nworkers = 8", "f 第 1 行", &["一组设置"]);
        one("[http.tls]\nfile = 'x'", "f 第 1 行", &["没有 http.tls"]);
        one("[http.workers]\nfile = 'x'", "f 第 1 行", &["1 到 256 的整数"]);
        one("[http]\nworkers = \"8\"", "f 第 2 行", &["http.workers 应是1 到 256 的整数", "现在是 \"8\""]);
        one("[http]\nworkers = 257", "f 第 2 行", &["1 到 256", "现在是 257"]);
        one("[models]\nkv_type = 'q4'", "f 第 2 行", &["f16、q8_0"]);
        one("[models]\npin = 1", "f 第 2 行", &["true 或 false"]);
        one("[models]\nembedder = 'e.gguf'", "f 第 2 行", &["以 / 开头"]);
        one("[http]\nworkers = 8\nlisten = '0.0.0.0:1'\nworkers = 9", "f 第 4 行", &["workers 写了两次"]);
        one("[http]\nworkers = 8\n[http]\nlisten = '0.0.0.0:1'", "f 第 3 行", &["写了两次"]);
        one("[console]\nlanguage = zh", "f 第 2 行", &["没有加引号"]);
        one("[console]\nlanguage", "f 第 2 行", &["写法不对"]);
        one("[console\nlanguage = 'zh'", "f 第 1 行", &["写法不对"]);
        one(&format!("# {}", "x".repeat(MAX_FILE_BYTES)), "f", &["64 KiB"]);
    }

    #[test]
    fn a_new_file_shows_every_setting_with_its_default_and_sets_none() {
        let as_it_is = FileSettings::read(NEW_FILE.as_bytes(), "f");
        assert!(as_it_is.problems().is_empty() && as_it_is.values.is_empty());
        // A comment that reads like an assignment is one that was put out of use.
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let assigns = |line: &&str| line.split_once(" = ").is_some_and(|(name, _)| is_name(name));
        let in_use: Vec<&str> =
            NEW_FILE.lines().map(|line| line.strip_prefix("# ").filter(assigns).unwrap_or(line)).collect();
        let all = FileSettings::read(in_use.join("\n").as_bytes(), "f");
        assert_eq!(all.problems(), []);
        for setting in SETTINGS {
            let standing = all.standing(setting.id).unwrap_or_else(|| panic!("{} is missing", setting.key));
            assert!(setting.default().is_none_or(|default| default == standing), "{}", setting.key);
        }
    }

    #[test]
    fn other_encodings_are_told() {
        let (gbk, _, _) = encoding_rs::GBK.encode("# 设置\n[http]\n# 工作线程\nworkers = 8\n");
        let read = FileSettings::read(&gbk, "f");
        assert!(read.problems()[0].to_string().starts_with("f 第 1 行:文字不是 UTF-8"), "{:?}", read.problems());
    }

    #[test]
    fn everything_wrong_is_told_at_once_in_order() {
        let text = "[http]\nworkers = 0\nlisten = here\nworkers = 3\n[console]\nlangauge = 'zh'\ncolor = 'blue'\n[x]\n";
        let lines: Vec<_> = problems(text).iter().map(|p| p.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(lines, ["f 第 2 行", "f 第 3 行", "f 第 4 行", "f 第 6 行", "f 第 7 行", "f 第 8 行"]);
    }

    #[test]
    fn nothing_that_is_fed_in_breaks_the_reader() {
        let text = "[http]\nlisten = '0.0.0.0:8080' # 注释\nimport.sticks = [\"/a\",\n '/b']\n\"\"\" [models]\nx.y.z = {a=1}\n";
        for end in 0..text.len() {
            for extra in [&b""[..], b"\"", b"[", b"=", b"\"\"\"", b"\xff", b"\0", b"{", b"\r"] {
                let bytes = [&text.as_bytes()[..end], extra].concat();
                assert!(FileSettings::read(&bytes, "f").problems().len() <= MAX_FAULTS + SETTINGS.len());
            }
        }
        let deep = format!("x = {}", "[".repeat(5000));
        assert!(!problems(&deep).is_empty());
    }
}
