//! Changing one value in the text of `guida.toml`. Everything else stays as people wrote it, letter by letter: the change is made in the
//! text, at the places that the parser names.

use super::file::without_mark;
use super::table::Setting;
use super::value::Value;
use std::ops::Range;
use toml_edit::{Document, DocumentMut, Item, Table, TomlError};

/// The text with a setting set to a value.
///
/// # Errors
/// The parser's, for a text that is no TOML.
pub fn set(text: &str, setting: &Setting, value: &Value) -> Result<String, TomlError> {
    let text = without_mark(text);
    let document = Document::parse(text.to_owned())?;
    let written = value.to_toml().to_string();
    let assignment = format!("{} = {written}", setting.leaf());
    match document.as_table().get(setting.table()) {
        Some(Item::Table(table)) => {
            if let Some(place) = table.get(setting.leaf()).and_then(Item::span) {
                return Ok(replaced(text, place, &written));
            }
            let header = table.span().filter(|_| !table.is_implicit() && !table.is_dotted());
            let sample = header.as_ref().and_then(|header| out_of_use(text, header.end, setting.leaf()));
            match sample.or_else(|| last_entry(table)) {
                Some(end) if table.is_dotted() => {
                    Ok(with_line_after(text, end, &format!("{} = {written}", setting.key)))
                }
                Some(end) => Ok(with_line_after(text, end, &assignment)),
                None => match header {
                    Some(header) => Ok(with_line_after(text, header.end, &assignment)),
                    None => Ok(with_table(text, setting, &assignment)),
                },
            }
        }
        Some(Item::Value(toml_edit::Value::InlineTable(_))) => inline(text, setting, Some(value)),
        _ => Ok(with_table(text, setting, &assignment)),
    }
}

/// The text without a setting; the same text when it was not there.
///
/// # Errors
/// As [`set`].
pub fn reset(text: &str, setting: &Setting) -> Result<String, TomlError> {
    let text = without_mark(text);
    let document = Document::parse(text.to_owned())?;
    match document.as_table().get(setting.table()) {
        Some(Item::Table(table)) => {
            let entry = table.get_key_value(setting.leaf());
            match entry.and_then(|(key, item)| Some((key.span()?, item.span()?))) {
                Some((key, value)) => Ok(without_lines(text, key.start.min(value.start)..value.end)),
                None => Ok(text.to_owned()),
            }
        }
        Some(Item::Value(toml_edit::Value::InlineTable(_))) => inline(text, setting, None),
        _ => Ok(text.to_owned()),
    }
}

/// A table within braces has no lines and no comments of its own.
fn inline(text: &str, setting: &Setting, value: Option<&Value>) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    if let Some(table) = document.get_mut(setting.table()).and_then(Item::as_inline_table_mut) {
        match value {
            Some(value) => drop(table.insert(setting.leaf(), value.to_toml())),
            None => drop(table.remove(setting.leaf())),
        }
    }
    Ok(document.to_string())
}

/// Where the last value of a table ends.
fn last_entry(table: &Table) -> Option<usize> {
    table.iter().filter_map(|(_, item)| item.as_value()?.span()).map(|span| span.end).max()
}

/// The line below a table's header that sets this name in a comment: the value's explanation stands there too.
fn out_of_use(text: &str, header_end: usize, leaf: &str) -> Option<usize> {
    let start = line_end(text, header_end);
    let mut offset = start;
    for line in text.get(start..)?.split_inclusive('\n').take_while(|line| !line.trim_start().starts_with('[')) {
        let commented = line.strip_prefix('#').map(str::trim_start).and_then(|line| line.strip_prefix(leaf));
        if commented.is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

fn replaced(text: &str, place: Range<usize>, by: &str) -> String {
    let (before, after) = around(text, place);
    format!("{before}{by}{after}")
}

fn with_line_after(text: &str, offset: usize, line: &str) -> String {
    let (before, after) = around(text, line_end(text, offset)..line_end(text, offset));
    format!("{}{line}{}{after}", ended(before), newline(text))
}

fn with_table(text: &str, setting: &Setting, assignment: &str) -> String {
    let end = newline(text);
    let gap = if text.trim().is_empty() { "" } else { end };
    format!("{}{gap}[{}]{end}{assignment}{end}", ended(text), setting.table())
}

fn without_lines(text: &str, place: Range<usize>) -> String {
    let start = text.get(..place.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let (before, after) = around(text, start..line_end(text, place.end));
    format!("{before}{after}")
}

/// The text before and behind a place. The parser's places lie between characters; a place elsewhere would be none of its making.
fn around(text: &str, place: Range<usize>) -> (&str, &str) {
    (text.get(..place.start).unwrap_or(text), text.get(place.end..).unwrap_or_default())
}

/// Behind the end of the line that holds a place.
fn line_end(text: &str, offset: usize) -> usize {
    text.get(offset..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| offset + at + 1)
}

fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { text.to_owned() + newline(text) }
}

/// How the lines of this text end.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::super::{FileSettings, Key, NEW_FILE, SETTINGS, Source};
    use super::*;

    fn put(text: &str, key: &str, value: &str) -> String {
        let setting = Setting::named(key).unwrap();
        set(text, setting, &setting.kind.read(value, Source::File).unwrap()).unwrap()
    }

    fn out(text: &str, key: &str) -> String {
        reset(text, Setting::named(key).unwrap()).unwrap()
    }

    #[test]
    fn only_the_value_changes() {
        let text = "# 本机\n\n[http] # 网页\nworkers   = 8 # 八个\n# 末尾\n[console]\ncolor = 'none'";
        assert_eq!(put(text, "http.workers", "16"), text.replace("= 8", "= 16"));
        assert_eq!(put(text, "http.listen", "[::]:80"), text.replace("八个\n", "八个\nlisten = \"[::]:80\"\n"));
        assert_eq!(put(text, "console.language", "en"), format!("{text}\nlanguage = \"en\"\n"));
        assert_eq!(put(text, "models.pin", "true"), format!("{text}\n\n[models]\npin = true\n"));
        assert_eq!(out(text, "http.workers"), text.replace("workers   = 8 # 八个\n", ""));
        assert_eq!(out(text, "http.listen"), text);
    }

    #[test]
    fn a_value_goes_below_its_explanation() {
        let changed = put(NEW_FILE, "models.pin", "true");
        assert_eq!(changed, NEW_FILE.replace("# pin = false\n", "# pin = false\npin = true\n"));
        let both = put(&changed, "models.slots", "2");
        assert_eq!(both, changed.replace("# slots = 4\n", "# slots = 4\nslots = 2\n"));
        assert_eq!(out(&out(&both, "models.pin"), "models.slots"), NEW_FILE);
    }

    #[test]
    fn every_way_of_writing_a_table_is_understood() {
        assert_eq!(put("", "http.workers", "9"), "[http]\nworkers = 9\n");
        assert_eq!(put("[http]", "http.workers", "9"), "[http]\nworkers = 9\n");
        assert_eq!(
            put("[http]\r\n\r\n[console]\r\n", "http.workers", "9"),
            "[http]\r\nworkers = 9\r\n\r\n[console]\r\n"
        );
        let dotted = "http.workers = 8 # x\nconsole.color = '16'\n";
        assert_eq!(put(dotted, "http.workers", "9"), dotted.replace("= 8", "= 9"));
        assert_eq!(put(dotted, "http.max_waiting", "9"), dotted.replace("# x\n", "# x\nhttp.max_waiting = 9\n"));
        assert_eq!(out(dotted, "http.workers"), "console.color = '16'\n");
        let braces = "http = { workers = 8, max_waiting = 5 } # x\n";
        for (text, workers) in [(put(braces, "http.workers", "9"), Some("9")), (out(braces, "http.workers"), None)] {
            let read = FileSettings::read(text.as_bytes(), "f");
            assert_eq!(read.standing(Key::HttpWorkers).as_deref(), workers, "{text}");
            assert_eq!(read.standing(Key::HttpMaxWaiting).as_deref(), Some("5"));
            assert!(text.contains("# x") && read.problems().is_empty());
        }
        let lines = "import.sticks = [ # two\n  '/a',\n  '/b',\n] # end\nhttp.workers = 8\n";
        assert_eq!(out(lines, "import.sticks"), "http.workers = 8\n");
        assert_eq!(put("\u{feff}http.workers = 8", "http.workers", "9"), "http.workers = 9");
        assert!(set("[http", Setting::named("http.workers").unwrap(), &Value::Number(1)).is_err());
    }

    #[test]
    fn what_is_set_is_read_and_what_is_reset_is_gone_for_every_setting() {
        let comments = "# 一\n[http] # 二\n# 三\nlisten = '1.2.3.4:5' # 四\n\n[models]\n# 五\n[console] # 六\n# 七";
        for setting in SETTINGS {
            let typed = match setting.kind.shown() {
                crate::config::SettingKind::Switch => "true",
                crate::config::SettingKind::Number { max, .. } => &max.to_string(),
                crate::config::SettingKind::Choice { values } => &values[0].clone(),
                crate::config::SettingKind::Address => "[::1]:1",
                crate::config::SettingKind::Paths => "/a b:/'\"\\中",
                _ => "/'\"\\中",
            };
            for text in ["", comments, NEW_FILE] {
                let changed = put(text, setting.key, typed);
                let read = FileSettings::read(changed.as_bytes(), "f");
                assert_eq!(read.problems(), [], "{changed}");
                assert_eq!(read.standing(setting.id).as_deref(), Some(typed), "{changed}");
                let again = put(&changed, setting.key, typed);
                assert_eq!(again, changed);
                let gone = out(&changed, setting.key);
                assert_eq!(FileSettings::read(gone.as_bytes(), "f").standing(setting.id), None);
                for mark in ["# 一", "# 二", "# 三", "# 五", "# 六", "# 七"].iter().filter(|mark| text.contains(*mark))
                {
                    assert!(changed.contains(mark) && gone.contains(mark), "{mark}: {gone}");
                }
                if setting.id != Key::HttpListen && text == comments {
                    assert!(gone.contains("listen = '1.2.3.4:5' # 四"));
                }
            }
        }
    }
}
