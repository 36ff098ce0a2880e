//! One file as the knowledge would have it: what was read, what was left out, and the card of each clause. It is built beside nothing and
//! thrown away.

use super::Engine;
use super::reply::{Card, Reply};
use super::request::{Actor, AskRequest, Request};
use crate::error::{Code, Error, Result};
use crate::ingest::everyday::Everyday;
use crate::ingest::lint::Finding;
use crate::ingest::plan::PlannedVersion;
use crate::ingest::report::FileReport;
use crate::ingest::sheet;
use crate::ingest::{self, build};
use crate::text::address;
use serde::Serialize;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Cards that are shown; the rest of a long text would be pages of them.
const MAX_CARDS: usize = 300;

/// What is said of a change in a rule that lies in another file.
const ALONE: &str = "预览只读这一个文件;生成知识时与这份制度一起放入,才标注或合并";

/// Names of the folder that are tried.
const MAX_NAMES: u32 = 100;

/// How one file is read.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// What became of the file.
    pub files: Vec<FileReport>,
    /// What its editor should mend.
    pub findings: Vec<Finding>,
    /// The documents with their clauses, as Markdown.
    pub text: String,
    /// The cards of the clauses.
    pub cards: Vec<Shown>,
}

/// The card of a clause.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// What was asked.
    pub asked: String,
    /// The card.
    pub card: Card,
}

/// Reads a file and asks for each of its clauses, if `cards` are wanted.
///
/// # Errors
/// Those of building and of opening what was built.
pub fn preview(file: &Path, cards: bool) -> Result<Preview> {
    if !file.is_file() {
        let message = format!("{} 不是文件", file.display());
        return Err(Error::new(Code::Io, message, "请给出一个制度文件;整个目录用 guida kb build --report 查看"));
    }
    let folder = Scratch::new()?;
    let kb = folder.path.join("preview.db");
    let mut built = build::build(&[file.to_path_buf()], &[], &Everyday::none(), &kb, None, &mut |_, _, _| {})?;
    for finding in &mut built.report.findings {
        if let Some(change) = finding.message.strip_suffix(ingest::NOT_HERE) {
            finding.message = format!("{change}{ALONE}");
        }
    }
    let versions: Vec<&PlannedVersion> = built.documents.iter().flat_map(|document| &document.versions).collect();
    let mut text = String::new();
    for file in &built.report.files {
        let left_out = file.reason.as_deref().unwrap_or("无");
        text += &format!(
            "{}:文档 {} 份,条款 {} 条\n没有收录或要留意的:{left_out}\n",
            file.path, file.documents, file.clauses
        );
    }
    let place = |finding: &Finding| {
        format!("{} {} {}:{}\n", finding.severity.label(), finding.topic.label(), finding.place(), finding.message)
    };
    text += &built.report.findings.iter().map(place).collect::<String>();
    for version in &versions {
        text += &sheet::markdown(&sheet::of_version(version, None));
    }
    let mut shown = Vec::new();
    if cards {
        let engine = Engine::open(&kb, None, None, None)?;
        for version in versions {
            for clause in &version.document.clauses {
                if shown.len() == MAX_CARDS {
                    break;
                }
                let place = || format!("《{}》{}", version.document.title, address::print(&clause.address));
                // What people ask for where the file says so, else the clause by its address.
                let question = clause.ask_variants.first().cloned().unwrap_or_else(place);
                let request =
                    AskRequest { question: question.clone(), as_of: version.effective.from, ..AskRequest::default() };
                // A title or a question that is too long to be asked has no card.
                if let Ok(Reply::Answer(answer)) = engine.handle(&Actor::operator(), Request::Ask(request)) {
                    shown.push(Shown { asked: question, card: answer.card });
                }
            }
        }
    }
    Ok(Preview { files: built.report.files, findings: built.report.findings, text, cards: shown })
}

/// A folder of this process for files that nobody keeps.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new() -> Result<Scratch> {
        let named = |n: u32| std::env::temp_dir().join(format!("guida-preview-{}-{n}", std::process::id()));
        // Made anew and for its owner alone: what others put there is not taken.
        let made = (0..MAX_NAMES).map(named).find_map(|path| match fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => None,
            made => Some(made.map(|()| path)),
        });
        let path = made.unwrap_or_else(|| Err(ErrorKind::AlreadyExists.into())).map_err(|cause| {
            let message = format!("在 {} 建不了临时目录:{cause}", std::env::temp_dir().display());
            Error::new(Code::Io, message, "请检查磁盘空间和权限,或用 TMPDIR 指定别的目录").because(cause)
        })?;
        Ok(Scratch { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.path);
    }
}
