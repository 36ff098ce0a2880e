//! `guida console`: the look by flags, environment and settings file, then the console itself.

use super::service::environment;
use crate::admin;
use crate::cli::args::ConsoleArgs;
use crate::config::{Key, Settings};
use crate::console;
use crate::console::look::{Charset, Colors, Language, Look, Wishes};
use crate::engine::models::DEFAULT_DATA;
use crate::engine::settings::{SettingsDesk, SettingsPlace};
use crate::error::Result;
use std::path::{Path, PathBuf};

/// Where the packaged service keeps its data.
const PACKAGED_DATA: &str = "/var/lib/guida";

pub(super) fn run(args: &ConsoleArgs) -> Result<()> {
    let data = args.data.clone().unwrap_or_else(usual_data);
    // A file with mistakes keeps the service from starting; the console opens all the same, and its doctor tells of it.
    let place = SettingsPlace::of(args.config.config.as_deref(), Some(&data));
    let settings = SettingsDesk::open(place, args.given(environment())).now();
    let look = Look::detect(wishes(&settings), |name| std::env::var(name).ok());
    console::run(&data, &admin::socket_path(&data), look)
}

fn usual_data() -> PathBuf {
    let here = Path::new(DEFAULT_DATA);
    let packaged = Path::new(PACKAGED_DATA);
    if !here.exists() && packaged.exists() { packaged.into() } else { here.into() }
}

/// What was said of the look; `auto` leaves it to the terminal.
fn wishes(settings: &Settings) -> Wishes {
    Wishes {
        language: match settings.text(Key::ConsoleLanguage) {
            Some("en") => Some(Language::English),
            Some("zh") => Some(Language::Chinese),
            _ => None,
        },
        charset: match settings.text(Key::ConsoleCharset) {
            Some("ascii") => Some(Charset::Ascii),
            Some("unicode") => Some(Charset::Unicode),
            _ => None,
        },
        colors: match settings.text(Key::ConsoleColor) {
            Some("16") => Some(Colors::Sixteen),
            Some("none") => Some(Colors::None),
            _ => None,
        },
    }
}
