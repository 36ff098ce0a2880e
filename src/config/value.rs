//! What a setting may be, and reading it: from words that were typed, and from the file.

use super::SettingKind;
use std::fmt;
use std::net::SocketAddr;

/// Longest words or path, in bytes; Linux knows no longer path (`PATH_MAX`, limits.h).
pub const MAX_TEXT_BYTES: usize = 4096;
/// Most paths of one setting.
pub const MAX_PATHS: usize = 16;
/// Between paths that are typed.
const BETWEEN_PATHS: char = ':';

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number within limits.
    Number {
        /// Least.
        min: i64,
        /// Most.
        max: i64,
        /// What it counts; empty for things.
        unit: &'static str,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An address and a port.
    Address,
    /// A path.
    Path,
    /// Paths.
    Paths,
    /// Words.
    Text,
    /// A LoRA adapter, see [`adapter`].
    Adapter,
}

/// A value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a switch.
    Switch(bool),
    /// Of a number.
    Number(i64),
    /// Of everything that is one piece of text.
    Words(String),
    /// Of paths.
    Paths(Vec<String>),
}

/// Where a value stands. A service has no folder of its own, so paths in the file are whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In the file.
    File,
    /// Typed by a person, on its way into the file.
    Typed,
    /// In a flag or the environment.
    Call,
}

impl Kind {
    /// Reads a value as it is typed; `None` when it may not be this.
    pub fn read(&self, text: &str, source: Source) -> Option<Value> {
        match *self {
            Kind::Switch => text.parse().ok().map(Value::Switch),
            Kind::Number { .. } => text.parse().ok().and_then(|number| self.number(number)),
            Kind::Choice(words) => words.contains(&text).then(|| Value::Words(text.into())),
            Kind::Address => text.parse::<SocketAddr>().ok().map(|address| Value::Words(address.to_string())),
            Kind::Text => printable(text).then(|| Value::Words(text.into())),
            Kind::Path => is_path(text, source).then(|| Value::Words(text.into())),
            Kind::Paths => paths(text.split(BETWEEN_PATHS), source),
            Kind::Adapter => (printable(text) && adapter(text).is_ok()).then(|| Value::Words(text.into())),
        }
    }

    /// Reads a value of the file; `None` when it may not be this.
    pub(super) fn take(&self, found: &toml_edit::Value) -> Option<Value> {
        match (self, found) {
            (Kind::Switch, toml_edit::Value::Boolean(on)) => Some(Value::Switch(*on.value())),
            (Kind::Number { .. }, toml_edit::Value::Integer(number)) => self.number(*number.value()),
            (Kind::Switch | Kind::Number { .. }, _) => None,
            (_, toml_edit::Value::String(text)) => self.read(text.value(), Source::File),
            (Kind::Paths, toml_edit::Value::Array(array)) => {
                paths(array.iter().map(|path| path.as_str().unwrap_or_default()), Source::File)
            }
            _ => None,
        }
    }

    fn number(&self, number: i64) -> Option<Value> {
        match self {
            Kind::Number { min, max, .. } if (*min..=*max).contains(&number) => Some(Value::Number(number)),
            _ => None,
        }
    }

    /// What may stand there, in Chinese: the rest of “应是……”.
    pub fn allowed(&self, source: Source) -> String {
        let (quoted, bare) = match source {
            Source::File => (",放在英文双引号里", ",不加引号"),
            Source::Typed | Source::Call => ("", ""),
        };
        match *self {
            Kind::Switch => format!("true 或 false{bare}"),
            Kind::Number { min, max, unit: "" } => format!("{min} 到 {max} 的整数{bare}"),
            Kind::Number { min, max, unit } => format!("{min} 到 {max} 的整数(单位 {unit}){bare}"),
            Kind::Choice(words) => format!("{} 之一{quoted}", words.join("、")),
            Kind::Address => format!("地址:端口,如 0.0.0.0:8080{quoted}"),
            Kind::Path if source == Source::Call => "路径".into(),
            Kind::Path => format!("以 / 开头的完整路径{quoted}"),
            Kind::Paths if source == Source::File => {
                format!("以 / 开头的完整路径,至多 {MAX_PATHS} 个,如 [\"/media\", \"/mnt\"]")
            }
            Kind::Paths => format!("以 / 开头的完整路径,用“:”隔开,至多 {MAX_PATHS} 个"),
            Kind::Text => format!("文字,至多 {MAX_TEXT_BYTES} 字节{quoted}"),
            Kind::Adapter => format!("适配器的名字或文件,可加“=倍数”,如 adapter.gguf=0.8{quoted}"),
        }
    }

    /// As people and programs see it.
    pub fn shown(&self) -> SettingKind {
        match *self {
            Kind::Switch => SettingKind::Switch,
            Kind::Number { min, max, unit } => SettingKind::Number { min, max, unit: unit.into() },
            Kind::Choice(words) => SettingKind::Choice { values: words.iter().map(|&word| word.into()).collect() },
            Kind::Address => SettingKind::Address,
            Kind::Path => SettingKind::Path,
            Kind::Paths => SettingKind::Paths,
            Kind::Text | Kind::Adapter => SettingKind::Text,
        }
    }
}

/// Takes “adapter[=factor]” apart; without a factor it is 1.
///
/// # Errors
/// What is wrong, in Chinese.
pub fn adapter(text: &str) -> Result<(&str, f32), &'static str> {
    let (adapter, scale) = match text.rsplit_once('=') {
        None => (text, 1.0),
        Some((adapter, scale)) => {
            let scale = scale.parse::<f32>().ok().filter(|scale| scale.is_finite());
            (adapter, scale.ok_or("“=”后面应是数,如 adapter.gguf=0.8")?)
        }
    };
    if adapter.is_empty() { Err("缺少适配器的文件或名字") } else { Ok((adapter, scale)) }
}

fn printable(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)
}

fn is_path(text: &str, source: Source) -> bool {
    printable(text) && (source == Source::Call || text.starts_with('/'))
}

fn paths<'a>(parts: impl Iterator<Item = &'a str>, source: Source) -> Option<Value> {
    let paths: Vec<String> = parts.map(str::to_owned).collect();
    let sound = (1..=MAX_PATHS).contains(&paths.len())
        && paths.iter().all(|path| is_path(path, source) && !path.contains(BETWEEN_PATHS));
    sound.then_some(Value::Paths(paths))
}

impl Value {
    /// As it stands in the file.
    pub(super) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Value::Switch(on) => (*on).into(),
            Value::Number(number) => (*number).into(),
            Value::Words(text) => text.as_str().into(),
            Value::Paths(paths) => toml_edit::Value::Array(paths.iter().map(String::as_str).collect()),
        }
    }
}

impl fmt::Display for Value {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(on) => on.fmt(f),
            Value::Number(number) => number.fmt(f),
            Value::Words(text) => f.write_str(text),
            Value::Paths(paths) => f.write_str(&paths.join(&BETWEEN_PATHS.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(kind: Kind, text: &str) -> bool {
        kind.read(text, Source::File).is_some()
    }

    #[test]
    fn limits_hold() {
        let number = Kind::Number { min: 1, max: 256, unit: "" };
        assert!(reads(number, "1") && reads(number, "256"));
        for wrong in ["0", "257", "-1", "8.5", "", "eight", "99999999999999999999"] {
            assert!(!reads(number, wrong), "{wrong}");
        }
        assert!(reads(Kind::Switch, "true") && !reads(Kind::Switch, "yes") && !reads(Kind::Switch, "True"));
        assert!(reads(Kind::Address, "[::]:80") && !reads(Kind::Address, "0.0.0.0") && !reads(Kind::Address, "box:80"));
        assert!(!reads(Kind::Choice(&["zh", "en"]), "fr"));
        assert!(reads(Kind::Text, &"x".repeat(MAX_TEXT_BYTES)) && !reads(Kind::Text, &"x".repeat(MAX_TEXT_BYTES + 1)));
        assert!(!reads(Kind::Text, "a\nb") && !reads(Kind::Text, "  "));
        assert!(
            reads(Kind::Adapter, "a.gguf=0.5") && !reads(Kind::Adapter, "a.gguf=half") && !reads(Kind::Adapter, "=1")
        );
    }

    #[test]
    fn paths_in_the_file_are_whole_ones() {
        assert!(reads(Kind::Path, "/a/b") && !reads(Kind::Path, "a/b"));
        assert!(Kind::Path.read("a/b", Source::Call).is_some());
        assert_eq!(Kind::Paths.read("/a:/b", Source::File).unwrap().to_string(), "/a:/b");
        assert!(!reads(Kind::Paths, "/a::/b") && !reads(Kind::Paths, &["/a"; MAX_PATHS + 1].join(":")));
    }
}
