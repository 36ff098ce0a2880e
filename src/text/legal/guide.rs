//! 操作指引: scenes with 问法, 结论, 依据, 步骤, 所需资料, 风险提示, 升级路径, 对客话术 and 追问.

use super::labels::Labels;
use super::line::{Line, Mark, mark};
use super::model::{GuideChoice, GuideClarify, GuideScene, ParsedClause};
use crate::text::address::{self, references};

/// Longest line that can name a scene, in characters.
const MAX_SCENE_TITLE: usize = 60;

/// The parts of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Ask,
    Conclusion,
    Basis,
    Steps,
    Materials,
    Risk,
    Escalation,
    Script,
    Clarify,
    /// A heading of another name: kept in the text.
    Other,
}

fn part(heading: &str) -> Option<Part> {
    Some(match heading.trim().trim_end_matches(['：', ':']) {
        "问法" | "常见问法" => Part::Ask,
        "结论" => Part::Conclusion,
        "依据" | "制度依据" => Part::Basis,
        "步骤" | "操作步骤" | "办理步骤" => Part::Steps,
        "所需资料" | "资料" | "所需材料" => Part::Materials,
        "风险提示" | "风险" => Part::Risk,
        "升级路径" | "升级" => Part::Escalation,
        "对客话术" | "话术" => Part::Script,
        "追问" => Part::Clarify,
        _ => return None,
    })
}

/// Reads `场景一 标题`: the label and the title.
fn scene(line: &Line) -> Option<(String, String)> {
    let text = line.text();
    if line.is_table() || !text.starts_with("场景") || text.chars().count() > MAX_SCENE_TITLE {
        return None;
    }
    let (found, len) = address::leading(text)?;
    let title = text.get(len..)?.trim_start_matches(|c: char| c.is_whitespace() || "：:、.．".contains(c));
    Some((found.label, title.to_owned()))
}

/// Whether a document has scenes.
pub(super) fn has_scenes(lines: &[Line]) -> bool {
    lines.iter().any(|line| scene(line).is_some())
}

/// Splits lines into scenes. What stands before the first is a clause 序言.
pub(super) fn parse(lines: &[Line]) -> Vec<ParsedClause> {
    let mut labels = Labels::default();
    let mut clauses = Vec::new();
    let mut preface: Vec<&str> = Vec::new();
    let mut open: Option<Open> = None;
    for line in lines {
        if let Some((label, title)) = scene(line) {
            clauses.extend(open.take().map(Open::finish));
            open = Some(Open::new(labels.unique(&label, ""), title));
        } else {
            match &mut open {
                Some(open) => open.line(line),
                None => preface.push(line.text()),
            }
        }
    }
    clauses.extend(open.map(Open::finish));
    if !preface.is_empty() {
        let clause = ParsedClause {
            address: address::labelled(labels.unique("序言", "")),
            heading: String::new(),
            text: preface.join("\n"),
            ask_variants: Vec::new(),
            guide: None,
        };
        clauses.insert(0, clause);
    }
    clauses
}

struct Open {
    label: String,
    scene: GuideScene,
    part: Part,
    text: Vec<String>,
}

impl Open {
    fn new(label: String, title: String) -> Open {
        let text = if title.is_empty() { Vec::new() } else { vec![title.clone()] };
        Open { label, scene: GuideScene { title, ..GuideScene::default() }, part: Part::Other, text }
    }

    fn line(&mut self, line: &Line) {
        let text = line.text();
        let named = if line.is_table() { None } else { part(text) };
        if named.is_some() || matches!(line, Line::Heading { .. }) {
            self.part = named.unwrap_or(Part::Other);
        } else {
            self.value(text);
        }
        // 问法 and 追问 are for finding and asking; the reading text is what a teller needs.
        if !matches!(self.part, Part::Ask | Part::Clarify) {
            self.text.push(text.to_owned());
        }
    }

    fn value(&mut self, text: &str) {
        let bare = strip_bullet(text);
        let scene = &mut self.scene;
        match self.part {
            Part::Ask => scene.ask_variants.push(bare.to_owned()),
            Part::Conclusion => join(&mut scene.conclusion, bare),
            Part::Basis => scene.basis.extend(references(bare)),
            Part::Steps => scene.steps.push(strip_number(bare).to_owned()),
            Part::Materials => scene.materials.push(strip_number(bare).to_owned()),
            Part::Risk => scene.risk.push(strip_number(bare).to_owned()),
            Part::Escalation => join(&mut scene.escalation, bare),
            Part::Script => join(&mut scene.script, bare),
            Part::Clarify => match (choice(bare), &mut scene.clarify) {
                (Some(choice), Some(clarify)) => clarify.choices.push(choice),
                (Some(choice), None) => {
                    scene.clarify = Some(GuideClarify { question: String::new(), choices: vec![choice] });
                }
                (None, Some(clarify)) => join(&mut clarify.question, bare),
                (None, None) => {
                    scene.clarify = Some(GuideClarify { question: bare.to_owned(), choices: Vec::new() });
                }
            },
            Part::Other => {}
        }
    }

    fn finish(mut self) -> ParsedClause {
        // A question without choices, or choices without a question, cannot be asked.
        self.scene.clarify = self.scene.clarify.filter(|c| !c.question.is_empty() && !c.choices.is_empty());
        ParsedClause {
            address: address::labelled(self.label),
            heading: String::new(),
            text: self.text.join("\n"),
            ask_variants: self.scene.ask_variants.clone(),
            guide: Some(self.scene),
        }
    }
}

fn join(into: &mut String, line: &str) {
    if !into.is_empty() {
        into.push('\n');
    }
    into.push_str(line);
}

/// `90日以内 | 一个月,两个月 → 有条件：…`; the keywords may be missing.
fn choice(line: &str) -> Option<GuideChoice> {
    let (left, conclusion) = line.split_once('→').or_else(|| line.split_once("->"))?;
    let (label, keywords) = left.split_once(['|', '｜']).unwrap_or((left, ""));
    let keywords =
        keywords.split([',', '，', '、']).map(str::trim).filter(|k| !k.is_empty()).map(str::to_owned).collect();
    let (label, conclusion) = (label.trim().to_owned(), conclusion.trim().to_owned());
    (!label.is_empty() && !conclusion.is_empty()).then_some(GuideChoice { label, keywords, conclusion })
}

fn strip_bullet(text: &str) -> &str {
    ["- ", "* ", "+ ", "• ", "·"].iter().find_map(|bullet| text.strip_prefix(bullet)).unwrap_or(text).trim()
}

fn strip_number(text: &str) -> &str {
    match mark(text) {
        Some((Mark::Point | Mark::Item, _, len)) => text.get(len..).unwrap_or(text).trim_start(),
        _ => text,
    }
}
