//! The seven jobs of whoever runs a box, each with the keys that do it from the first screen: shown in the help, and pressed one by one
//! by a test.

use super::keys::Key;

/// A job.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Its name in the program.
    pub id: &'static str,
    /// What it is.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// The keys, from the first screen on.
    pub keys: &'static [Key],
    /// What to read when they have been pressed.
    pub then_zh: &'static str,
    /// The same in English.
    pub then_en: &'static str,
}

/// Most keys of a job.
pub const MOST_KEYS: usize = 8;

/// The jobs.
pub const JOBS: [Job; 7] = [
    Job {
        id: "health",
        zh: "看运行是否正常",
        en: "see whether all is well",
        keys: &[Key::Char('1')],
        then_zh: "第二行是服务状态;下方“要处理的事”逐条写明怎么办",
        then_en: "the second line is the service; below, each alarm says what to do",
    },
    Job {
        id: "import",
        zh: "从 U 盘导入知识包",
        en: "import a pack from a stick",
        keys: &[Key::Char('3'), Key::Enter, Key::Char('c'), Key::Char('y')],
        then_zh: "逐步核验后显示新旧差异;c 导入、y 确认;提示可以拔出后再拔 U 盘",
        then_en: "after the checks the differences are shown; c takes it, y confirms; pull the stick out when told",
    },
    Job {
        id: "rollback",
        zh: "退回上一版知识",
        en: "go back to the knowledge before",
        keys: &[Key::Char('2'), Key::Char('b'), Key::Char('y')],
        then_zh: "下一个问题就由上一版回答;被退回的包不会再自动导入",
        then_en: "the next question is answered from it; the pack is held back",
    },
    Job {
        id: "model",
        zh: "换生成模型",
        en: "swap the model",
        keys: &[Key::Char('4'), Key::Down, Key::Enter, Key::Char('y')],
        then_zh: "新模型就绪前原模型继续工作;条款始终照常显示",
        then_en: "the present one goes on until the other is ready; cards are shown all the time",
    },
    Job {
        id: "clause",
        zh: "查一条条款",
        en: "look a clause up",
        keys: &[Key::Char('2'), Key::Char('/'), Key::Char('g'), Key::Char('s'), Key::Enter, Key::Enter, Key::Enter],
        then_zh: "“/”后输入标题里的字、拼音或首字母(gs=挂失),再打开文件和条款",
        then_en: "after / type characters of the title, pinyin or first letters (gs), open document and clause",
    },
    Job {
        id: "refusal",
        zh: "查一个问题为什么没有答案",
        en: "find out why a question was refused",
        keys: &[Key::Char('5'), Key::Char('f'), Key::Enter],
        then_zh: "f 只列没有答案的问题;打开后第一屏写明原因和办法",
        then_en: "f lists refused ones only; opened, the first page says why and what to do",
    },
    Job {
        id: "doctor",
        zh: "体检并看建议",
        en: "read what the doctor advises",
        keys: &[Key::Char('8'), Key::Down],
        then_zh: "最要紧的在最上面;下方写明每一项怎么办",
        then_en: "gravest first; below, what to do about each",
    },
];

/// How a key is written.
pub fn name(key: Key) -> String {
    match key {
        Key::Char(c) => c.to_string(),
        Key::Ctrl(c) => format!("Ctrl-{c}"),
        Key::Down => "↓".into(),
        Key::Up => "↑".into(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_job_takes_more_than_eight_keys() {
        for job in JOBS {
            assert!((1..=MOST_KEYS).contains(&job.keys.len()), "{}", job.id);
        }
    }
}
