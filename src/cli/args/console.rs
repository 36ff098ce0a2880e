//! `guida console`.

use super::ConfigArg;
use crate::config::{Given, Key};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `guida console`.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// 服务的数据目录 [默认: 当前目录下的 data,没有则 /var/lib/guida]
    #[arg(long, value_name = "目录", env = "GUIDA_DATA")]
    pub data: Option<PathBuf>,
    /// Settings file.
    #[command(flatten)]
    pub config: ConfigArg,
    /// 语言 [默认: 按设置 console.language]
    #[arg(long, value_name = "语言")]
    pub language: Option<LanguageArg>,
    /// 字符:auto 按终端判断,unicode 显示汉字,ascii 用英文、拼音和 ASCII 边框 [默认: 按设置 console.charset]
    #[arg(long, value_name = "字符")]
    pub charset: Option<CharsetArg>,
    /// 颜色:auto 按终端和 NO_COLOR 判断 [默认: 按设置 console.color]
    #[arg(long, value_name = "颜色")]
    pub color: Option<ColorArg>,
}

impl ConsoleArgs {
    /// Adds the flags that were given to what the environment says.
    pub fn given(&self, env: Given) -> Given {
        env.flag(Key::ConsoleLanguage, name(self.language))
            .flag(Key::ConsoleCharset, name(self.charset))
            .flag(Key::ConsoleColor, name(self.color))
    }
}

fn name(value: Option<impl ValueEnum>) -> Option<String> {
    value.and_then(|value| value.to_possible_value()).map(|value| value.get_name().to_owned())
}

/// Language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LanguageArg {
    /// 中文
    Zh,
    /// English
    En,
}

/// Characters of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CharsetArg {
    /// 按终端判断
    Auto,
    /// 显示汉字
    Unicode,
    /// 英文、拼音和 ASCII 边框
    Ascii,
}

/// Colours of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// 按终端判断
    Auto,
    /// 16 色
    #[value(name = "16")]
    Sixteen,
    /// 不用颜色
    None,
}
