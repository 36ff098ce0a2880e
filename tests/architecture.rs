//! The walls of the house: which module may import which, where SQL, `unsafe` and llama.cpp may stand, and what a file
//! owes its reader. The rules are data at the top; a failure names file, line and rule, and says how to mend it.

#[path = "architecture/source.rs"]
mod source;

use source::{Named, Source, has_word};
use std::collections::BTreeSet;
use std::path::Path;

/// How much of a module an importer may see.
#[derive(Clone, Copy)]
enum Part {
    /// Every public item.
    All,
    /// The items of its mod.rs, none of its submodules: traits and plain types, not what implements them.
    Face,
    /// The items of these submodules.
    Only(&'static [&'static str]),
}

/// One allowed import: from, to, how much, and why.
struct Arrow(&'static str, &'static str, Part, &'static str);

use Part::{All, Face, Only};

/// What every module may import.
const VOCABULARY: &[&str] = &["types", "error", "clock", "disk"];

/// Every module of the crate root; the arrows between them stand in `ARROWS`.
const MODULES: &[&str] = &[
    "admin",
    "answer",
    "app",
    "audit",
    "cli",
    "clock",
    "config",
    "console",
    "dialogue",
    "disk",
    "engine",
    "english",
    "error",
    "eval",
    "guard",
    "http",
    "import",
    "inference",
    "ingest",
    "log",
    "pack",
    "prompt",
    "retrieval",
    "store",
    "text",
    "types",
];

/// The allowed imports beside the vocabulary. `app` names everything: it is the composition root.
const ARROWS: &[Arrow] = &[
    Arrow("http", "engine", All, "a face: everything it does passes the one door"),
    Arrow("http", "answer", Only(&["outcome"]), "a face shows the outcome as it is"),
    Arrow("cli", "engine", All, "a face: everything it does passes the one door"),
    Arrow("cli", "answer", Only(&["outcome"]), "a face shows the outcome as it is"),
    Arrow("cli", "text", All, "pure: tells an address from a title"),
    Arrow("admin", "engine", All, "a face: everything it does passes the one door"),
    Arrow("console", "admin", All, "the client side of the protocol"),
    Arrow("log", "engine", Only(&["logs"]), "what is said is kept where the engine reads it"),
    Arrow("cli", "config", All, "pure: flags are a layer of the settings, which are shown as they are"),
    Arrow("console", "engine", All, "a face: everything it does passes the one door"),
    Arrow("console", "config", All, "pure: shows the settings as they are"),
    Arrow("engine", "answer", All, "the door leads to the pipeline"),
    Arrow("engine", "dialogue", All, "a follow-up is read with what came before it"),
    Arrow("engine", "config", All, "the door leads to the settings"),
    Arrow("engine", "ingest", All, "the door leads to the import"),
    Arrow("engine", "import", All, "the door leads to the import of packs"),
    Arrow("engine", "pack", All, "the door leads to head office's making of packs"),
    Arrow("import", "pack", All, "what comes on a stick is verified there"),
    Arrow("import", "store", All, "new knowledge is looked at, compared and given its place"),
    Arrow("import", "retrieval", All, "golden questions are asked of it"),
    Arrow("import", "text", All, "pure: addresses and titles of golden questions"),
    Arrow("import", "inference", Face, "the Embedder trait"),
    Arrow("engine", "store", All, "the door looks clauses and documents up"),
    Arrow("engine", "audit", All, "every request that passes the door is recorded"),
    Arrow("engine", "retrieval", All, "the door searches for the search page"),
    Arrow("engine", "guard", All, "what comes in is checked at the door"),
    Arrow("engine", "text", All, "pure: addresses and normalisation of what came in"),
    Arrow("engine", "inference", Face, "traits and reply types; the models behind them are the root's business"),
    Arrow("engine", "eval", All, "the door leads to the measuring of knowledge files"),
    Arrow("answer", "guard", All, "a question is guarded before it is answered, prose before it is shown"),
    Arrow("answer", "retrieval", All, "the evidence comes from there"),
    Arrow("answer", "prompt", All, "the prose begins with a prompt"),
    Arrow("answer", "inference", Face, "the traits; which model writes is the root's business"),
    Arrow("answer", "store", Face, "the rows that evidence consists of"),
    Arrow("answer", "text", All, "pure: sentences and addresses inside a clause"),
    Arrow("retrieval", "store", All, "it searches the knowledge file"),
    Arrow("retrieval", "text", All, "a question is normalised as the clauses were"),
    Arrow("retrieval", "inference", Face, "the Embedder trait"),
    Arrow("ingest", "text", All, "files become clauses there"),
    Arrow("ingest", "store", All, "clauses are written there"),
    Arrow("ingest", "inference", Face, "the Embedder trait"),
    Arrow("dialogue", "text", All, "pure: quantities and spelling"),
    Arrow("guard", "text", All, "pure: it reads normalised text"),
    Arrow("prompt", "guard", Face, "the type of a checked question: nothing else is put into a prompt"),
    Arrow("eval", "retrieval", All, "it measures the search by itself"),
    Arrow("eval", "store", All, "it compares with the clauses that should have been found"),
    Arrow("eval", "text", All, "it compares titles and addresses in one spelling"),
];

/// Longest file, in lines: what a reader keeps in mind at once.
const MAX_LINES: usize = 450;

/// Where SQL may stand.
const SQL_HOME: &str = "src/store/";
/// Where llama.cpp may be named.
const LLAMA_HOME: &str = "src/inference/";
/// The files that may contain `unsafe`, and what for.
const UNSAFE_HOMES: &[(&str, &str)] = &[
    ("src/inference/llama/", "calls that llama-cpp-2 does not wrap"),
    ("src/inference/child/sandbox.rs", "system calls that shut the generator process in"),
];
/// A `SAFETY:` comment stands at most this many lines above its `unsafe`.
const SAFETY_REACH: usize = 8;

/// What would end the process on input, disk, model or network, and what to write instead.
const ABORTS: &[&str] = &[".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "unreachable!"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let sources = Source::all(root());
    assert!(!sources.is_empty(), "no source found under {}", root().display());
    sources
}

fn no_faults(rule: &str, faults: Vec<String>) {
    assert!(faults.is_empty(), "{rule}\n\n  {}\n", faults.join("\n  "));
}

#[test]
fn imports_follow_the_arrows() {
    let sources = sources();
    let mut faults = Vec::new();
    for source in &sources {
        for named in source.named_paths() {
            if let Some(fault) = fault(source, &named, &sources) {
                faults.push(format!("{}:{}: {fault}", source.path, named.line));
            }
        }
    }
    no_faults(
        "These imports are not in the table of tests/architecture.rs. Move the code to the side that may know both, pass \
         the thing in as a value or behind a trait, or, if the design has changed, change the table and ARCHITECTURE.md \
         together.",
        faults,
    );
}

/// What is wrong with one named path, if anything.
fn fault(source: &Source, named: &Named, sources: &[Source]) -> Option<String> {
    let to = named.segments.first().map_or("", String::as_str);
    let module = source.module();
    let Some(&from) = module.first() else {
        // lib.rs only declares; main.rs only starts the application.
        let allowed = source.path == "src/lib.rs" || matches!(to, "app" | "error" | "types");
        return (!allowed).then(|| format!("main -> {to}: main.rs starts `app` and nothing else"));
    };
    if !MODULES.contains(&to) {
        return Some(format!(
            "{from} -> {to}: name the module an item comes from (crate::module::item), without * or re-exports"
        ));
    }
    if from == to || from == "app" || VOCABULARY.contains(&to) {
        return None;
    }
    let Some(Arrow(_, _, part, _)) = ARROWS.iter().find(|a| a.0 == from && a.1 == to) else {
        let known: Vec<&str> = ARROWS.iter().filter(|a| a.0 == from).map(|a| a.1).collect();
        return Some(format!("{from} -> {to}: {from} may import {VOCABULARY:?} and {known:?}"));
    };
    let item = named.segments.get(1).map_or("", String::as_str);
    let refused = match part {
        All => false,
        Face => item.is_empty() || item == "*" || sources.iter().any(|s| s.module().starts_with(&[to, item])),
        Only(parts) => !parts.contains(&item),
    };
    let allowed = match part {
        Only(parts) => format!("only from {parts:?}"),
        _ => format!("only single items of src/{to}/mod.rs, none of its submodules"),
    };
    refused.then(|| format!("{from} -> {to}::{item}: {from} may import {to}, but {allowed}"))
}

#[test]
fn the_table_is_sound() {
    let mut seen = BTreeSet::new();
    for Arrow(from, to, _, why) in ARROWS {
        assert!(MODULES.contains(from) && MODULES.contains(to), "{from} -> {to} names an unknown module");
        assert!(seen.insert((from, to)), "{from} -> {to} stands twice");
        assert!(!why.is_empty(), "{from} -> {to} has no reason");
    }
    // What imports each other is one module: no way along the arrows leads back.
    for module in MODULES {
        let mut reached: Vec<&str> = ARROWS.iter().filter(|a| a.0 == *module).map(|a| a.1).collect();
        let mut at = 0;
        while at < reached.len() {
            let next: Vec<&str> = ARROWS.iter().filter(|a| a.0 == reached[at]).map(|a| a.1).collect();
            for to in next {
                if !reached.contains(&to) {
                    reached.push(to);
                }
            }
            at += 1;
        }
        assert!(!reached.contains(module), "{module} imports itself by way of {reached:?}");
    }
}

#[test]
fn every_module_is_in_the_table() {
    let unknown: BTreeSet<String> = sources()
        .iter()
        .filter_map(|s| s.module().first().map(|m| (*m).to_owned()))
        .filter(|m| !MODULES.contains(&m.as_str()))
        .collect();
    no_faults(
        "These modules of the crate root are not in MODULES of tests/architecture.rs. Add each with its arrows, and to \
         ARCHITECTURE.md.",
        unknown.into_iter().collect(),
    );
}

#[test]
fn files_are_short() {
    let long = sources()
        .iter()
        .map(|s| (s.path.clone(), s.raw.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    no_faults(&format!("These files have more than {MAX_LINES} lines. Split each where its story has a joint."), long);
}

#[test]
fn folders_tell_their_story() {
    let sources = sources();
    let mut faults = Vec::new();
    let heads = sources.iter().filter(|s| s.path == "src/lib.rs" || s.path.ends_with("/mod.rs"));
    for head in heads.filter(|s| !s.raw.starts_with("//!")) {
        faults.push(format!(
            "{}:1: begin with a `//!` comment: what this folder is for and how its files work together",
            head.path
        ));
    }
    let folders: BTreeSet<&str> =
        sources.iter().filter_map(|s| s.path.rsplit_once('/')).map(|(folder, _)| folder).collect();
    for folder in folders.into_iter().filter(|f| *f != "src") {
        let head = format!("{folder}/mod.rs");
        if !sources.iter().any(|s| s.path == head) {
            faults.push(format!("{folder}: has no mod.rs to tell its story"));
        }
    }
    no_faults("Folders are entered through a mod.rs that explains them.", faults);
}

#[test]
fn sql_stands_in_the_store() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| !s.path.starts_with(SQL_HOME)) {
        for line in source.lines_with_strings(|l| l.contains("SELECT ") || l.contains("INSERT INTO")) {
            faults.push(format!("{}:{line}", source.path));
        }
    }
    no_faults("SQL outside src/store. Give the store a method that is named by what the caller wants to know.", faults);
}

#[test]
fn llama_stands_in_inference() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| !s.path.starts_with(LLAMA_HOME)) {
        for line in source.lines_of_code(|l| l.contains("llama_cpp")) {
            faults.push(format!("{}:{line}", source.path));
        }
    }
    no_faults("llama.cpp named outside src/inference. Use the Embedder or Generator trait.", faults);
}

#[test]
fn unsafe_is_rare_and_explained() {
    let mut faults = Vec::new();
    for source in &sources() {
        let allowed = UNSAFE_HOMES.iter().any(|(home, _)| source.path.starts_with(home));
        let raw: Vec<&str> = source.raw.lines().collect();
        for line in source.lines_of_code(|l| has_word(l, "unsafe")) {
            if !allowed {
                faults.push(format!("{}:{line}: not one of the files in UNSAFE_HOMES", source.path));
            }
            let code = source.code.lines().nth(line - 1).unwrap_or_default();
            let explains = |l: &&str| l.contains("SAFETY:") || l.contains("# Safety");
            // A type that mentions an unsafe function does nothing; blocks, implementations and functions do.
            let acts = ["unsafe {", "unsafe impl", "unsafe fn"].iter().any(|form| code.contains(form));
            if acts && !raw[line.saturating_sub(SAFETY_REACH + 1)..line].iter().any(explains) {
                faults
                    .push(format!("{}:{line}: no `// SAFETY:` comment within {SAFETY_REACH} lines above", source.path));
            }
        }
    }
    no_faults("`unsafe` stands in few, named files, and each use says why it is sound.", faults);
}

#[test]
fn nothing_aborts() {
    let mut faults = Vec::new();
    for source in &sources() {
        for line in source.lines_of_code(|l| ABORTS.iter().any(|a| l.contains(a))) {
            faults.push(format!(
                "{}:{line}: {}",
                source.path,
                source.raw.lines().nth(line - 1).unwrap_or_default().trim()
            ));
        }
    }
    no_faults(
        "These would end the process at the counter. Return an Error with a code, take the value apart with `let else`, or \
         recover a poisoned lock with PoisonError::into_inner.",
        faults,
    );
}

#[test]
fn the_release_note_explains_every_error_code() {
    let note = root().join(concat!("firmware-notes/", env!("CARGO_PKG_VERSION"), ".md"));
    let note = std::fs::read_to_string(&note).unwrap_or_else(|e| panic!("{}: {e}", note.display()));
    let codes = std::fs::read_to_string(root().join("src/error.rs")).unwrap();
    let codes: Vec<&str> =
        codes.lines().filter_map(|l| l.split_once(" = \"")?.1.split_once("\", ")).map(|c| c.0).collect();
    assert!(codes.contains(&"INTERNAL"), "the list of codes in src/error.rs was not understood: {codes:?}");
    let missing =
        codes.iter().filter(|code| !note.contains(&format!("| `{code}` |"))).map(|c| (*c).to_owned()).collect();
    no_faults("Add these error codes to the table of the release note, with what branch IT should do.", missing);
}

/// The reader of source is tested like the rest: a wall that overlooks imports is none.
mod reading {
    use super::*;

    fn paths(file: &str, code: &str) -> Vec<String> {
        Source::new(file, code).named_paths().iter().map(|n| format!("{}:{}", n.line, n.segments.join("::"))).collect()
    }

    #[test]
    fn groups_are_taken_apart() {
        let code =
            "use crate::{a, b::c as d,\n e::{self, f::*}};\nuse crate::g;\nfn x() { crate::h::i::<u8>(crate::j::K) }";
        let expected = ["1:a", "1:b::c", "2:e::self", "2:e::f::*", "3:g", "4:h::i", "4:j::K"];
        assert_eq!(paths("src/z/y.rs", code), expected);
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        let code = r##"
            // use crate::a;
            /* crate::b /* crate::c */ crate::d */
            const S: &str = "crate::e \" crate::f";
            const R: &str = r#"crate::g " crate::h"#;
            const Q: char = '"'; use crate::i; const P: char = '\'';
            fn x<'a>(y: &'a str) -> &'a str { crate::j::k(y) } // "
        "##;
        assert_eq!(paths("src/z.rs", code), ["6:i", "7:j::k"]);
    }

    #[test]
    fn tests_may_name_anything() {
        let code = "#[cfg(test)]\nuse crate::a;\n#[cfg(test)]\n#[path = \"b.rs\"]\nmod b { use crate::b; fn f() {} }\nuse crate::c;\n\
                    #[cfg(test)]\nmod d;\n#[cfg(not(test))]\nuse crate::e;";
        let source = Source::new("src/z/mod.rs", code);
        assert_eq!(paths("src/z/mod.rs", code), ["6:c", "10:e"]);
        assert_eq!(source.test_modules, ["d"]);
    }

    #[test]
    fn super_is_followed_to_the_root() {
        assert_eq!(paths("src/z.rs", "use super::a::b;"), ["1:a::b"]);
        assert_eq!(paths("src/z/mod.rs", "use super::a;"), ["1:a"]);
        assert_eq!(paths("src/z/y.rs", "use super::x; use super::super::a::b;"), ["1:a::b"]);
        assert_eq!(paths("src/main.rs", "fn main() { guida::app::main() }"), ["1:app::main"]);
    }

    #[test]
    fn forbidden_arrows_are_found() {
        let all = [
            Source::new("src/store/rows.rs", ""),
            Source::new("src/inference/llama/mod.rs", ""),
            Source::new("src/answer/outcome.rs", ""),
        ];
        let judge = |file: &str, path: &str| {
            let source = Source::new(file, format!("use crate::{path};"));
            fault(&source, &source.named_paths()[0], &all).is_some()
        };
        assert!(judge("src/store/write.rs", "inference::Embedder"));
        assert!(judge("src/inference/models.rs", "store::Knowledge"));
        assert!(judge("src/http/api.rs", "store::Knowledge"));
        assert!(judge("src/http/api.rs", "answer::card::Card"));
        assert!(judge("src/answer/card.rs", "engine::request::Actor"));
        assert!(judge("src/answer/mod.rs", "inference::llama::Model"));
        assert!(judge("src/answer/mod.rs", "inference::*"));
        assert!(judge("src/text/legal/mod.rs", "store::ClauseRow"));
        assert!(judge("src/text/legal/mod.rs", "*"));
        assert!(judge("src/text/legal/mod.rs", "unheard_of::Thing"));
        assert!(!judge("src/answer/mod.rs", "inference::Generator"));
        assert!(!judge("src/http/api.rs", "answer::outcome::Answer"));
        assert!(!judge("src/app.rs", "inference::llama::Model"));
        assert!(!judge("src/text/legal/mod.rs", "types::Date"));
    }
}
