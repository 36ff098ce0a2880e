//! Words of spoken questions that say nothing of the matter. In a corpus of rules they are rare, so that BM25 would take
//! `怎么` for the most telling word of a question.

/// Longest first, so that `怎么办` is not left as `办`.
const FILLERS: [&str; 62] = [
    "能不能够",
    "可不可以",
    "怎么样的",
    "是怎么样",
    "为什么",
    "怎么办",
    "怎么样",
    "怎么弄",
    "怎么搞",
    "能不能",
    "是不是",
    "有没有",
    "要不要",
    "行不行",
    "会不会",
    "该不该",
    "用不用",
    "什么样",
    "的时候",
    "我想问",
    "请问",
    "您好",
    "你好",
    "怎么",
    "怎样",
    "如何",
    "什么",
    "哪些",
    "哪个",
    "哪里",
    "哪儿",
    "多少",
    "几个",
    "一下",
    "的话",
    "咱们",
    "我们",
    "他们",
    "你们",
    "人家",
    "现在",
    "到底",
    "究竟",
    "那么",
    "这种",
    "这个",
    "那个",
    "可以",
    "应该",
    "需要",
    "吗",
    "呢",
    "啊",
    "吧",
    "呀",
    "嘛",
    "哦",
    "咋",
    "啥",
    "么",
    "我",
    "他",
];

/// Replaces fillers by spaces, so that no bigram spans the gap. A text of fillers only is left blank: it asks nothing.
pub fn strip(text: &str) -> String {
    parts(text).map(|(part, filler)| if filler { " " } else { part }).collect()
}

/// Which characters of a text, counted from 0, belong to fillers.
pub fn places(text: &str) -> impl Iterator<Item = usize> {
    let marked = parts(text).flat_map(|(part, filler)| part.chars().map(move |_| filler));
    marked.enumerate().filter(|(_, filler)| *filler).map(|(at, _)| at)
}

/// A text in fillers and other characters; true with the fillers.
fn parts(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let filler = FILLERS.iter().find(|f| rest.starts_with(**f));
        let length = filler.map_or_else(|| rest.chars().next().map_or(0, char::len_utf8), |f| f.len());
        let (part, behind) = rest.split_at_checked(length).filter(|_| length > 0)?;
        rest = behind;
        Some((part, filler.is_some()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_leave_gaps_and_the_matter_stays() {
        assert_eq!(strip("请问卡丢了怎么办").trim(), "卡丢了");
        assert_eq!(strip("怎么办").trim(), "");
        assert_eq!(places("请问卡丢了怎么办").collect::<Vec<_>>(), [0, 1, 5, 6, 7]);
    }

    #[test]
    fn longer_fillers_come_first() {
        for (index, filler) in FILLERS.iter().enumerate() {
            assert!(FILLERS[..index].iter().all(|earlier| !filler.starts_with(earlier)), "{filler} can never match");
        }
    }
}
