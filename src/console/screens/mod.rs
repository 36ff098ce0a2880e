//! The screens, in the order of their keys. A new one is a file beside this and a line in [`SCREENS`].

mod doctor;
mod help;
mod import;
mod knowledge;
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

/// Every screen.
pub const SCREENS: &[Entry] = &[
    Entry {
        key: '2',
        id: "knowledge",
        zh: "知识",
        en: "Knowledge",
        alone: false,
        new: || Box::<knowledge::Knowledge>::default(),
    },
    Entry {
        key: '3', id: "import", zh: "导入", en: "Import", alone: false, new: || Box::<import::Import>::default()
    },
    Entry { key: '8', id: "doctor", zh: "体检", en: "Doctor", alone: true, new: || Box::<doctor::Doctor>::default() },
    Entry { key: '9', id: "help", zh: "帮助", en: "Help", alone: true, new: || Box::<help::Help>::default() },
];
