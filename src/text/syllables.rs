//! Mandarin syllables without tones, as they are typed.

use pinyin::ToPinyinMulti;
use std::borrow::Cow;

/// All readings of a character, `ü` as the `v` of keyboards; none for what is no Chinese character.
pub fn readings(c: char) -> impl Iterator<Item = Cow<'static, str>> {
    c.to_pinyin_multi().into_iter().flatten().map(|reading| plain(reading.plain()))
}

/// A syllable in letters that keyboards have.
fn plain(syllable: &'static str) -> Cow<'static, str> {
    if syllable.is_ascii() { Cow::Borrowed(syllable) } else { Cow::Owned(syllable.replace('ü', "v")) }
}
