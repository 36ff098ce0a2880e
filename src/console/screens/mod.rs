//! The screens, in the order of their keys. A new one is a file beside this and a line in [`SCREENS`].

mod ask;
mod doctor;
mod help;
mod logs;
mod models;
mod overview;
mod settings;

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
    Entry {
        key: '1',
        id: "overview",
        zh: "概览",
        en: "Overview",
        alone: false,
        new: || Box::<overview::Overview>::default(),
    },
    Entry { key: '4', id: "models", zh: "模型", en: "Models", alone: false, new: || Box::<models::Models>::default() },
    Entry { key: '5', id: "ask", zh: "提问", en: "Ask", alone: false, new: || Box::<ask::Ask>::default() },
    Entry { key: '6', id: "logs", zh: "日志", en: "Logs", alone: true, new: || Box::<logs::Logs>::default() },
    Entry {
        key: '7',
        id: "settings",
        zh: "设置",
        en: "Settings",
        alone: false,
        new: || Box::<settings::Settings>::default(),
    },
    Entry { key: '8', id: "doctor", zh: "体检", en: "Doctor", alone: true, new: || Box::<doctor::Doctor>::default() },
    Entry { key: '9', id: "help", zh: "帮助", en: "Help", alone: true, new: || Box::<help::Help>::default() },
];
