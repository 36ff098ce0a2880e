//! Reads Rust source just well enough for the architecture tests: which paths a file names, outside comments, strings
//! and test-only items. It relies on rustfmt's and the compiler's approval of the file, so it needs no error messages.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One source file, with test-only items blanked out. Line numbers and offsets are those of the file.
pub struct Source {
    /// Path relative to the package, with forward slashes.
    pub path: String,
    /// The file as it is.
    pub raw: String,
    /// Comments and strings blanked: only what the compiler executes.
    pub code: String,
    /// Comments blanked, strings kept.
    pub code_and_strings: String,
    /// Names of the test-only modules that this file declares and does not contain (`#[cfg(test)] mod name;`).
    pub test_modules: Vec<String>,
}

/// A path of the crate that a file names: its segments after `crate::`, and the line.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
}

impl Source {
    pub fn new(path: impl Into<String>, raw: impl Into<String>) -> Source {
        let (path, raw) = (path.into(), raw.into());
        let (mut code, mut code_and_strings) = mask(&raw);
        let mut test_modules = Vec::new();
        while let Some((item, declared)) = next_test_item(&code) {
            blank(&mut code, item.clone());
            blank(&mut code_and_strings, item);
            test_modules.extend(declared);
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Source { path, raw, code: text(code), code_and_strings: text(code_and_strings), test_modules }
    }

    /// Every file under `root`/src that is not test-only, in the order of their paths.
    pub fn all(root: &Path) -> Vec<Source> {
        let mut sources: Vec<Source> = rust_files(&root.join("src"))
            .iter()
            .map(|file| {
                let path = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                Source::new(path, fs::read_to_string(file).unwrap())
            })
            .collect();
        let test_only: Vec<String> =
            sources.iter().flat_map(|s| s.test_modules.iter().map(|m| format!("{}/{m}", s.folder()))).collect();
        sources
            .retain(|s| !test_only.iter().any(|t| s.path == format!("{t}.rs") || s.path.starts_with(&format!("{t}/"))));
        sources
    }

    /// Module path of the file: `src/http/route.rs` is http, route; the root files are empty.
    pub fn module(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        inner.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).collect()
    }

    /// The folder in which the file's own modules lie.
    fn folder(&self) -> String {
        let module = self.module().join("/");
        if module.is_empty() { "src".to_owned() } else { format!("src/{module}") }
    }

    /// The paths of this crate that the code names, `use` groups taken apart: `use crate::{a, b::c}` names `a` and `b::c`.
    pub fn named_paths(&self) -> Vec<Named> {
        let tokens = tokens(&self.code);
        let depth = self.module().len();
        let mut named = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let continues = at > 0 && tokens[at - 1].text == "::";
            let start = match tokens[at].text {
                "crate" if !continues => Some(at + 1),
                // The binary sees the library under its name.
                "guida" if !continues && self.path == "src/main.rs" => Some(at + 1),
                "super" if !continues => {
                    let mut last = at;
                    let mut steps = 1;
                    while text(&tokens, last + 1) == "::" && text(&tokens, last + 2) == "super" {
                        last += 2;
                        steps += 1;
                    }
                    // Fewer steps stay inside the file's own top-level module.
                    (steps >= depth).then_some(last + 1)
                }
                _ => None,
            };
            if let Some(next) = start
                && text(&tokens, next) == "::"
            {
                tree(&tokens, next + 1, Vec::new(), &mut named);
            }
            at += 1;
        }
        named
    }

    /// Lines on which `found` holds for the code without comments and strings.
    pub fn lines_of_code(&self, found: impl Fn(&str) -> bool) -> Vec<usize> {
        lines(&self.code, found)
    }

    /// Lines on which `found` holds for the code with strings, without comments.
    pub fn lines_with_strings(&self, found: impl Fn(&str) -> bool) -> Vec<usize> {
        lines(&self.code_and_strings, found)
    }
}

/// Whether `word` stands in `line` as a word of its own.
pub fn has_word(line: &str, word: &str) -> bool {
    tokens(line).iter().any(|t| t.text == word)
}

fn lines(text: &str, found: impl Fn(&str) -> bool) -> Vec<usize> {
    text.lines().enumerate().filter(|(_, line)| found(line)).map(|(n, _)| n + 1).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|e| e == "rs") {
            files.push(entry);
        }
    }
    files
}

/// Blanks bytes but keeps line ends, so that lines stay where they are.
fn blank(text: &mut [u8], range: Range<usize>) {
    for byte in &mut text[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// The text without comments and strings, and the text without comments only.
fn mask(raw: &str) -> (Vec<u8>, Vec<u8>) {
    let bytes = raw.as_bytes();
    let (mut code, mut code_and_strings) = (bytes.to_vec(), bytes.to_vec());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &raw[at..];
        let after_word = at > 0 && is_word(bytes[at - 1]);
        let (length, comment) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), true)
        } else if rest.starts_with("/*") {
            (block_comment(rest), true)
        } else if rest.starts_with('"') {
            (quoted(rest), false)
        } else if let Some(length) = raw_string(rest).filter(|_| !after_word) {
            (length, false)
        } else if let Some(length) = char_literal(rest) {
            (length, false)
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        blank(&mut code, at..at + length);
        if comment {
            blank(&mut code_and_strings, at..at + length);
        }
        at += length;
    }
    (code, code_and_strings)
}

/// Length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of a string that begins with a quotation mark and knows escapes.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of a raw string: `r"…"`, `r#"…"#`, `br"…"`, `cr"…"`.
fn raw_string(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix("br").or(rest.strip_prefix("cr")).or(rest.strip_prefix('r'))?;
    let body = inner.trim_start_matches('#');
    let end = format!("\"{}", &inner[..inner.len() - body.len()]);
    let content = body.strip_prefix('"')?;
    let closed = content.find(&end)? + end.len();
    Some(rest.len() - content.len() + closed)
}

/// Length of a character literal; a lifetime is none.
fn char_literal(rest: &str) -> Option<usize> {
    let mut chars = rest.strip_prefix('\'')?.chars();
    match chars.next()? {
        '\\' => {
            chars.next()?;
            let used = rest.len() - chars.as_str().len();
            Some(used + chars.as_str().find('\'')? + 1)
        }
        _ => (chars.next()? == '\'').then(|| rest.len() - chars.as_str().len()),
    }
}

/// The next item behind `#[cfg(test)]` (or `cfg(all(test, …))`), its attribute included, and the module it declares
/// in another file.
fn next_test_item(code: &[u8]) -> Option<(Range<usize>, Option<String>)> {
    // Only whole comments and strings have been blanked, so this is still UTF-8.
    let text = std::str::from_utf8(code).unwrap();
    let (start, attribute) = text.match_indices("#[cfg(").find_map(|(at, opening)| {
        let predicate = text[at + opening.len()..].trim_start();
        let is_test = predicate.starts_with("test)") || predicate.starts_with("all(test");
        is_test.then(|| Some((at, at + text[at..].find(")]")? + 2)))?
    })?;
    let mut depth = 0i32;
    let mut end = text.len();
    for (at, byte) in text.bytes().enumerate().skip(attribute) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            end = at;
            break;
        }
        if depth == 0 && matches!(byte, b';' | b'}') {
            end = at + 1;
            break;
        }
    }
    let item = tokens(&text[attribute..end]);
    let declared = item.windows(3).find(|w| w[0].text == "mod" && w[2].text == ";").map(|w| w[1].text.to_owned());
    Some((start..end, declared))
}

struct Token<'a> {
    text: &'a str,
    line: usize,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |t| t.text)
}

/// Words, `::`, and single characters.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        let word = rest.bytes().take_while(|&b| is_word(b)).count();
        let length = if word > 0 {
            word
        } else if rest.starts_with("::") {
            2
        } else {
            1
        };
        let piece = &rest[..length];
        if piece == "\n" {
            line += 1;
        }
        if !piece.trim().is_empty() {
            tokens.push(Token { text: piece, line });
        }
        at += length;
    }
    tokens
}

/// Takes one tree of a path or `use` apart; returns the place behind it.
fn tree(tokens: &[Token], mut at: usize, mut prefix: Vec<String>, named: &mut Vec<Named>) -> usize {
    let Some(token) = tokens.get(at) else { return at };
    match token.text {
        "{" => {
            at += 1;
            while !matches!(text(tokens, at), "}" | "") {
                if text(tokens, at) == "," {
                    at += 1;
                } else {
                    at = tree(tokens, at, prefix.clone(), named);
                }
            }
            at + 1
        }
        word if word == "*" || is_word(word.as_bytes()[0]) => {
            prefix.push(word.to_owned());
            at += 1;
            if text(tokens, at) == "::" && text(tokens, at + 1) != "<" {
                return tree(tokens, at + 1, prefix, named);
            }
            named.push(Named { segments: prefix, line: token.line });
            if text(tokens, at) == "as" { at + 2 } else { at }
        }
        _ => {
            named.push(Named { segments: prefix, line: token.line });
            at + 1
        }
    }
}
