//! The screens, in the order of their keys. A new one is a file beside this and a line in [`SCREENS`].

mod ask;
mod doctor;
mod help;
mod import;
mod knowledge;
mod logs;
mod models;
mod overview;
mod settings;
mod shared;

use super::screen::Screen;

/// One line of the table.
pub struct Entry {
    /// Its key.
    pub key: char,
    /// Its name in the program.
    pub id: &'static str,
    /// Its name.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// It can be used without a service.
    pub alone: bool,
    /// Makes it.
    pub new: fn() -> Box<dyn Screen>,
}

/// It needs a service, or can be used without one.
const ONLINE: bool = false;
const ALONE: bool = true;

const fn entry(
    key: char,
    id: &'static str,
    names: [&'static str; 2],
    alone: bool,
    new: fn() -> Box<dyn Screen>,
) -> Entry {
    let [zh, en] = names;
    Entry { key, id, zh, en, alone, new }
}

/// Every screen.
pub const SCREENS: &[Entry] = &[
    entry('1', "overview", ["概览", "Overview"], ONLINE, || Box::<overview::Overview>::default()),
    entry('2', "knowledge", ["知识", "Knowledge"], ONLINE, || Box::<knowledge::Knowledge>::default()),
    entry('3', "import", ["导入", "Import"], ONLINE, || Box::<import::Import>::default()),
    entry('4', "models", ["模型", "Models"], ONLINE, || Box::<models::Models>::default()),
    entry('5', "ask", ["提问", "Ask"], ONLINE, || Box::<ask::Ask>::default()),
    entry('6', "logs", ["日志", "Logs"], ALONE, || Box::<logs::Logs>::default()),
    entry('7', "settings", ["设置", "Settings"], ONLINE, || Box::<settings::Settings>::default()),
    entry('8', "doctor", ["体检", "Doctor"], ALONE, || Box::<doctor::Doctor>::default()),
    entry('9', "help", ["帮助", "Help"], ALONE, || Box::<help::Help>::default()),
];
