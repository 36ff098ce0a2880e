//! The teller page's sources: old browsers must parse them, and nothing is fetched from elsewhere.

use std::fs;
use std::path::Path;

fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/page");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).expect("UTF-8 text"))
    };
    let found: Vec<_> = fs::read_dir(folder).unwrap().map(read).collect();
    assert!(found.len() >= 4, "the page's files were not found");
    found
}

/// The code without comments, strings and regular expressions, so that only syntax is searched. A small scanner for
/// the page's own plain style; a `/` opens a regular expression when what precedes cannot end a value.
fn bare(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    let mut out = String::new();
    let mut i = 0;
    while i < chars.len() {
        let (c, next) = (chars[i], chars.get(i + 1).copied().unwrap_or(' '));
        let skip_to = |mut at: usize, end: char| {
            while at < chars.len() && chars[at] != end {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at + 1
        };
        match c {
            '/' if next == '*' => {
                i += 2;
                while i + 1 < chars.len() && !(chars[i] == '*' && chars[i + 1] == '/') {
                    i += 1;
                }
                i += 2;
            }
            '\'' | '"' => {
                out.push_str("''");
                i = skip_to(i + 1, c);
            }
            '/' if out.trim_end().ends_with(['(', ',', '=', ':', '[', '!', '&', '|', '?', '{', '}', ';']) => {
                out.push_str("''");
                i = skip_to(i + 1, '/');
            }
            _ => {
                out.push(c);
                i += 1;
            }
        }
    }
    out
}

#[test]
fn scripts_keep_to_what_chrome_69_and_firefox_60_parse() {
    // Newer than ES2017, or absent from one of the two browsers, or reading data as markup or code.
    let forbidden = [
        "?.",
        "??",
        "||=",
        "&&=",
        "**=",
        "replaceAll",
        "matchAll",
        ".flat(",
        ".flatMap(",
        "catch {",
        "catch{",
        "...",
        "globalThis",
        "fromEntries",
        "allSettled",
        "queueMicrotask",
        "replaceChildren",
        "structuredClone",
        ".at(",
        "#!",
        ".finally(",
        "import ",
        "import(",
        "export ",
        "await ",
        "static ",
        "trimStart",
        "trimEnd",
        "getReader",
        "`",
        "AbortController",
        "clipboard",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "findLast",
        "toSorted",
        "hasOwn(",
        "BigInt",
        "crypto.subtle",
    ];
    for (name, code) in sources().iter().filter(|(name, _)| name.ends_with(".js")) {
        let code_only = bare(code);
        assert!(code_only.contains("function"), "{name}: the scanner lost the code");
        for word in forbidden {
            assert!(!code_only.contains(word), "{name} uses {word}");
        }
        for group in ["(?<", "\\p{", "/s.", "/u.", "/y."] {
            assert!(!code.contains(group), "{name} uses {group} in a regular expression");
        }
        assert!(code.lines().count() <= 400, "{name} is too long to read");
    }
}

#[test]
fn styles_keep_to_what_chrome_69_and_firefox_60_understand() {
    let forbidden = [
        ":has(",
        ":is(",
        ":where(",
        ":focus-visible",
        "inset:",
        "aspect-ratio",
        "clamp(",
        "min(",
        "max(",
        "@layer",
        "@container",
        "@import",
        "@font-face",
        "color-mix",
        "accent-color",
        "place-items",
        "url(",
        " gap:",
        "row-gap",
        "column-gap",
        "dvh",
        "backdrop-filter",
        ":not(.",
        "overflow: clip",
        "scroll-margin",
        "text-wrap",
    ];
    for (name, style) in sources().iter().filter(|(name, _)| name.ends_with(".css")) {
        let style = style.replace("grid-gap:", "");
        for word in forbidden {
            assert!(!style.contains(word), "{name} uses {word}");
        }
    }
}

#[test]
fn nothing_is_fetched_from_elsewhere_and_nothing_is_inline() {
    for (name, text) in sources() {
        for outside in ["http://", "https://", "src=\"//", "href=\"//", "wss:", "ws:"] {
            assert!(!text.contains(outside), "{name} refers to {outside}");
        }
        if name.ends_with(".html") {
            // The content security policy would block these.
            for inline in ["<style", " style=", "<script>", " onclick", " onload", "javascript:"] {
                assert!(!text.contains(inline), "{name} has {inline}");
            }
            assert!(text.contains("<meta name=\"renderer\" content=\"webkit\">"));
            assert!(text.contains("action=\"/ask\" method=\"post\""), "without script the form itself asks");
        }
    }
}

#[test]
fn the_page_carries_the_labels_that_the_law_asks_for() {
    let all: String = sources().into_iter().map(|(_, text)| text).collect();
    assert!(all.contains(guida::types::AIGC_LABEL));
    let index = sources().into_iter().find(|(name, _)| name == "index.html").unwrap().1;
    assert!(index.contains(guida::types::INTERNAL_BANNER));
}
