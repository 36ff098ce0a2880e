//! How the console looks and speaks here: its language, the characters that this terminal can show, and its colours.

use super::pinyin;
use crate::types::Bilingual;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use std::borrow::Cow;

/// The language of the console's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// 中文.
    Chinese,
    /// English.
    English,
}

/// What characters the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Everything, Chinese and lines among it.
    Unicode,
    /// ASCII only: the text console of Linux has a font of 256 or 512 characters and none of them is Chinese.
    Ascii,
}

/// How much colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// The 16 colours that every terminal has, in its own palette.
    Sixteen,
    /// None: what matters is bold, underlined or reversed, and always said in words too.
    None,
}

/// How the console looks and speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    language: Language,
    charset: Charset,
    colors: Colors,
}

/// What a person may have decided about the look; what is `None` is found out from the environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Language.
    pub language: Option<Language>,
    /// Characters.
    pub charset: Option<Charset>,
    /// Colours.
    pub colors: Option<Colors>,
}

/// Terminals that show nothing but the characters of a small font.
const PLAIN_TERMINALS: [&str; 6] = ["linux", "console", "dumb", "vt100", "vt220", "ansi"];

impl Look {
    /// A look as it is said. With [`Charset::Ascii`] the language is English: Chinese could not be read.
    pub fn new(language: Language, charset: Charset, colors: Colors) -> Look {
        let language = if charset == Charset::Ascii { Language::English } else { language };
        Look { language, charset, colors }
    }

    /// What suits the environment: `var` looks a variable up. `TERM=linux` and locales that are not UTF-8 mean ASCII; `NO_COLOR`
    /// (<https://no-color.org>) and `TERM=dumb` mean no colours. Chinese is the default language wherever it can be shown.
    pub fn detect(wishes: Wishes, var: impl Fn(&str) -> Option<String>) -> Look {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        let terminal = set("TERM").unwrap_or_default();
        // The first of these that is set counts (POSIX); none at all means the C locale, but then nothing is known of the terminal.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let utf8 = locale.is_none_or(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let plain = PLAIN_TERMINALS.contains(&terminal.as_str()) || !utf8;
        let charset = wishes.charset.unwrap_or(if plain { Charset::Ascii } else { Charset::Unicode });
        let colors = match wishes.colors {
            Some(colors) => colors,
            None if set("NO_COLOR").is_some() || matches!(terminal.as_str(), "dumb" | "vt100" | "vt220") => {
                Colors::None
            }
            None => Colors::Sixteen,
        };
        Look::new(wishes.language.unwrap_or(Language::Chinese), charset, colors)
    }

    /// The characters.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The colours.
    pub fn colors(&self) -> Colors {
        self.colors
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether only ASCII may be drawn.
    pub fn is_ascii(&self) -> bool {
        self.charset == Charset::Ascii
    }

    /// The console's own words in its language.
    pub fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }

    /// The same for anything that was made in both languages.
    pub fn either<T>(&self, zh: T, en: T) -> T {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }

    /// The same for words that come in both languages.
    pub fn both<'a>(&self, words: &'a Bilingual) -> Cow<'a, str> {
        match self.language {
            Language::Chinese => Cow::Borrowed(&words.zh),
            Language::English => self.data(&words.en),
        }
    }

    /// Text from the knowledge or the service as it can be shown here: as it is, or Chinese in pinyin.
    pub fn data<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.charset {
            Charset::Unicode => Cow::Borrowed(text),
            Charset::Ascii => pinyin::ascii(text),
        }
    }

    /// One of two signs: the second where only ASCII can be shown.
    pub fn sign<'a>(&self, unicode: &'a str, ascii: &'a str) -> &'a str {
        if self.is_ascii() { ascii } else { unicode }
    }

    /// The lines of boxes.
    pub fn border(&self) -> border::Set<'static> {
        const ASCII: border::Set<'static> = border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        };
        if self.is_ascii() { ASCII } else { border::PLAIN }
    }

    fn colored(&self, color: Color, plain: Modifier) -> Style {
        match self.colors {
            Colors::Sixteen => Style::new().fg(color),
            Colors::None => Style::new().add_modifier(plain),
        }
    }

    /// Headings.
    pub fn heading(&self) -> Style {
        self.colored(Color::Cyan, Modifier::empty()).add_modifier(Modifier::BOLD)
    }

    /// Keys that can be pressed.
    pub fn key(&self) -> Style {
        self.colored(Color::Yellow, Modifier::empty()).add_modifier(Modifier::BOLD)
    }

    /// What explains: less than what it explains, but readable: bright black on black is not.
    pub fn quiet(&self) -> Style {
        self.colored(Color::Gray, Modifier::DIM)
    }

    /// Lines of boxes.
    pub fn line(&self) -> Style {
        self.colored(Color::DarkGray, Modifier::DIM)
    }

    /// All is well.
    pub fn good(&self) -> Style {
        self.colored(Color::Green, Modifier::empty())
    }

    /// Should be seen to.
    pub fn warn(&self) -> Style {
        self.colored(Color::Yellow, Modifier::UNDERLINED)
    }

    /// Does not work.
    pub fn bad(&self) -> Style {
        self.colored(Color::LightRed, Modifier::BOLD.union(Modifier::UNDERLINED)).add_modifier(Modifier::BOLD)
    }

    /// What is chosen: reversed, which every terminal can.
    pub fn chosen(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What stands out in a text: the sentence that answers, the word that was looked for.
    pub fn mark(&self) -> Style {
        self.colored(Color::LightGreen, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(vars: &[(&str, &str)], wishes: Wishes) -> (Language, Charset, Colors) {
        let look = Look::detect(wishes, |name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        });
        (look.language, look.charset, look.colors)
    }

    #[test]
    fn the_text_console_and_other_locales_get_ascii_in_english() {
        use {Charset::*, Colors::*, Language::*};
        let none = Wishes::default();
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(detected(&[xterm, ("LANG", "zh_CN.UTF-8")], none), (Chinese, Unicode, Sixteen));
        assert_eq!(detected(&[xterm], none), (Chinese, Unicode, Sixteen));
        assert_eq!(detected(&[("TERM", "linux"), ("LANG", "zh_CN.UTF-8")], none), (English, Ascii, Sixteen));
        assert_eq!(detected(&[xterm, ("LANG", "zh_CN.GBK")], none), (English, Ascii, Sixteen));
        assert_eq!(detected(&[xterm, ("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], none), (English, Ascii, Sixteen));
        assert_eq!(detected(&[xterm, ("LC_ALL", ""), ("LANG", "zh_CN.utf8")], none), (Chinese, Unicode, Sixteen));
    }

    #[test]
    fn a_persons_word_goes_before_what_was_found() {
        use {Charset::*, Colors::*, Language::*};
        let unicode = Wishes { charset: Some(Unicode), ..Wishes::default() };
        assert_eq!(detected(&[("TERM", "linux")], unicode), (Chinese, Unicode, Sixteen));
        let english = Wishes { language: Some(English), ..Wishes::default() };
        assert_eq!(detected(&[("TERM", "xterm")], english), (English, Unicode, Sixteen));
        let unreadable = Wishes { language: Some(Chinese), charset: Some(Ascii), ..Wishes::default() };
        assert_eq!(detected(&[("TERM", "xterm")], unreadable), (English, Ascii, Sixteen));
        let colored = Wishes { colors: Some(Sixteen), ..Wishes::default() };
        assert_eq!(detected(&[("TERM", "xterm"), ("NO_COLOR", "1")], colored).2, Sixteen);
    }

    #[test]
    fn without_colours_what_matters_is_still_told_apart() {
        let var = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        let look = Look::detect(Wishes::default(), var);
        let styles = [look.good(), look.warn(), look.bad(), look.chosen(), look.quiet()];
        for (i, style) in styles.iter().enumerate() {
            assert_eq!((style.fg, style.bg), (None, None));
            assert!(!styles[..i].contains(style), "{style:?} twice");
        }
    }
}
