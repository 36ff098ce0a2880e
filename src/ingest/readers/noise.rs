//! Lines that a web page wraps around a text: where one is, printing, sharing, who runs the site. They are no law, wherever they
//! were copied to.

use crate::text::document::{Block, RawDocument};

/// Longest such line, in characters.
const MAX_CHARS: usize = 80;

/// Words that are a line, or several of them side by side.
const BUTTONS: [&str; 31] = [
    "打印本页",
    "打印此页",
    "打印",
    "关闭窗口",
    "关闭本页",
    "关闭",
    "返回顶部",
    "回到顶部",
    "返回首页",
    "返回列表",
    "返回",
    "加入收藏",
    "设为首页",
    "收藏本页",
    "分享到",
    "分享",
    "微信",
    "微博",
    "法律声明",
    "网站地图",
    "联系我们",
    "版权声明",
    "隐私声明",
    "无障碍浏览",
    "网站首页",
    "首页",
    "信息公开",
    "政务公开",
    "新闻发布",
    "关于我们",
    "网站声明",
];

/// What a line begins with that tells where the reader is, or of the site.
const BEGINNINGS: [&str; 19] = [
    "您的位置",
    "您所在的位置",
    "您现在的位置",
    "当前位置",
    "所在位置",
    "你的位置",
    "文章来源：",
    "信息来源：",
    "浏览次数",
    "点击数",
    "阅读次数",
    "责任编辑：",
    "上一篇：",
    "下一篇：",
    "上一篇:",
    "下一篇:",
    "版权所有",
    "技术支持：",
    "网站标识码",
];

/// What a line holds only at the foot of a site or beside a picture of dots.
const MARKS: [&str; 9] = [
    "ICP备",
    "ICP证",
    "公网安备",
    "扫一扫",
    "扫描二维码",
    "长按识别",
    "字号 大 中 小",
    "【字体：大 中 小】",
    "分享到微信",
];

/// Takes such lines out of a document; returns how many.
pub(super) fn remove(document: &mut RawDocument) -> usize {
    let before = document.blocks.len();
    document.blocks.retain(|block| match block {
        Block::Heading { text, .. } | Block::Paragraph(text) => !is_noise(text),
        Block::Table { .. } => true,
    });
    before - document.blocks.len()
}

fn is_noise(line: &str) -> bool {
    let line = line.trim().trim_start_matches("- ");
    if line.chars().count() > MAX_CHARS || line.contains(['。', '；']) || line.starts_with('第') {
        return false;
    }
    if BEGINNINGS.iter().any(|word| line.starts_with(word)) {
        return true;
    }
    MARKS.iter().any(|word| line.contains(word)) && !line.contains("，应当") || is_row_of_buttons(line)
}

/// Several buttons side by side, or one that says what it does to the page.
fn is_row_of_buttons(line: &str) -> bool {
    let mut rest = line;
    let mut words = 0;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "|｜·-—>＞【】[]()（）/".contains(c));
        if rest.is_empty() {
            break;
        }
        let Some(word) = BUTTONS.iter().find(|word| rest.starts_with(**word)) else { return false };
        rest = rest.get(word.len()..).unwrap_or_default();
        words += 1;
    }
    words > 1 || words == 1 && line.chars().count() >= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_says_of_itself_is_no_text() {
        for line in [
            "打印本页 关闭窗口",
            "网站首页 | 信息公开 | 政务公开",
            "您的位置：首页 > 条法司 > 部门规章",
            "当前位置:首页>制度",
            "文章来源：条法司 2003-04-10 09:30:00 字号 大 中 小",
            "京ICP备05073439号 网站标识码：bm25000001",
            "扫一扫在手机打开当前页",
            "【打印】【关闭】",
            "上一篇：关于印发办法的通知",
        ] {
            assert!(is_noise(line), "{line}");
        }
        for line in [
            "打印",
            "第三条 打印本页 关闭窗口",
            "柜员应当打印凭证。",
            "客户可以扫一扫收款码付款。",
            "微信支付限额",
            "首页应当加盖公章",
            "信息来源",
            "联系我们的方式",
        ] {
            assert!(!is_noise(line), "{line}");
        }
    }
}
