//! The keys that are measured: what branch IT press in a day, without those that have something done.

use crate::terminal::Seen::{self, Hides, Moves, Shows};

/// A key.
pub struct Step {
    /// What the terminal sends for it.
    pub key: &'static str,
    pub seen: Seen,
}

const fn step(key: &'static str, seen: Seen) -> Step {
    Step { key, seen }
}

const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";
const PAGE_DOWN: &str = "\x1b[6~";
const ESC: &str = "\x1b";
const BACKSPACE: &str = "\x7f";
const CTRL_U: &str = "\x15";
const TAB: &str = "\t";
const ENTER: &str = "\r";

/// Opens the chosen row.
pub const OPEN: &str = ENTER;
/// Back to the list of documents, and to the next of them.
pub const BACK: Step = step(ESC, Shows("题名  文号"));
pub const NEXT: Step = step(DOWN, Moves);
/// The screen of the documents, their list, and a document whose text is there.
pub const KNOWLEDGE: Step = step("2", Shows("现在回答的知识"));
pub const DOCUMENTS: Seen = Shows("题名  文号");
pub const CLAUSES: Seen = Shows("┌ 条款 ");

/// Every screen; the last one is the first again. The examination of the box takes as long as it takes.
pub const VISIT: [Step; 10] = [
    step("2", DOCUMENTS),
    step("3", Shows("┌ 导入 · ")),
    step("4", Shows("正在服务的模型")),
    step("5", Shows("问一个问题")),
    step("6", Shows("┌ 运行日志")),
    step("7", Shows("http.listen")),
    step("8", Shows("项正常")),
    step("9", Shows("七件常做的事")),
    step("?", Shows("任意键关闭")),
    step("1", Shows("┌ 服务和知识")),
];

/// One round, from the first screen to the first screen.
pub const ROUND: [Step; 34] = [
    KNOWLEDGE,
    step(DOWN, Moves),
    step(DOWN, Moves),
    step(DOWN, Moves),
    step(UP, Moves),
    step(PAGE_DOWN, Moves),
    step("/", Shows("筛选:")),
    step("c", Shows("筛选: c")),
    step("k", Shows("筛选: ck")),
    step(BACKSPACE, Hides("筛选: ck")),
    step(ESC, Hides("筛选:")),
    step("?", Shows("任意键关闭")),
    step(ESC, Hides("任意键关闭")),
    step("3", Shows("┌ 导入")),
    step("4", Shows("正在服务的模型")),
    step("5", Shows("问一个问题")),
    step("i", Hides("按 i 输入问题")),
    step("冬", Shows("冬")),
    step("瓜", Shows("冬瓜")),
    step(CTRL_U, Hides("冬瓜")),
    step(ESC, Shows("按 i 输入问题")),
    step("6", Shows("选中的一行")),
    step("l", Shows("运行日志:只有警告")),
    step("l", Hides("运行日志:只有警告")),
    step("?", Shows("任意键关闭")),
    step(ESC, Hides("任意键关闭")),
    step("7", Shows("┌ 设置")),
    step(DOWN, Moves),
    step(UP, Moves),
    step("9", Shows("┌ 帮助")),
    step(DOWN, Moves),
    step(UP, Moves),
    step(TAB, Shows("┌ 服务和知识")),
    step("?", Shows("任意键关闭")),
];
