//! Web pages: headings, paragraphs, lists and tables, without what a reader of the page does not see.

mod walk;

use self::walk::Walk;
use super::one_line;
use crate::error::{Code, Error, Result};
use crate::ingest::encoding;
use crate::text::document::{Block, RawDocument};
use scraper::{Html, Selector};

/// Largest page, in bytes: a parsed page takes some twenty times its size in memory.
const MAX_HTML_BYTES: usize = 16 * 1024 * 1024;
/// Deepest nesting of elements. The parser searches the open elements for every tag, so that a page of nothing but
/// opening tags would take time with the square of its size; real pages stay below a hundred.
const MAX_NESTING: usize = 1_000;

/// Reads a page.
///
/// # Errors
/// `DocumentTooLarge` above [`MAX_HTML_BYTES`], `DocumentUnreadable` for an unknown encoding.
pub(super) fn read(bytes: &[u8]) -> Result<RawDocument> {
    if bytes.len() > MAX_HTML_BYTES {
        let message = format!("网页超过 {} MiB 的上限", MAX_HTML_BYTES / 1024 / 1024);
        return Err(Error::new(Code::DocumentTooLarge, message, "请去掉网页里内嵌的图片,或拆成几页再导入"));
    }
    let text = encoding::decode_html(bytes)?;
    if nesting(&text) > MAX_NESTING {
        let message = format!("网页的元素嵌套超过 {MAX_NESTING} 层");
        return Err(Error::new(Code::DocumentTooLarge, message, "请用浏览器打开,复制文字另存为 .docx 或 .txt 再导入"));
    }
    let page = Html::parse_document(&text);
    let mut walk = Walk::new(hidden_classes(&page));
    // By hand rather than by recursion: a page may nest deeper than the stack.
    let mut node = page.tree.root();
    'page: loop {
        super::deadline::check()?;
        walk.open(node.value());
        if let Some(child) = node.first_child() {
            node = child;
            continue;
        }
        loop {
            walk.close(node.value());
            if let Some(sibling) = node.next_sibling() {
                node = sibling;
                break;
            }
            match node.parent() {
                Some(parent) => node = parent,
                None => break 'page,
            }
        }
    }
    let struck = walk.struck;
    let mut document = RawDocument { blocks: walk.finish(), ..RawDocument::default() };
    if struck > 0 {
        super::warn(&mut document, &format!("{struck} 处带删除线的文字没有读入"));
    }
    if let Some(title) = page_title(&page, &document.blocks) {
        document.meta.insert("title".to_string(), title);
    }
    Ok(document)
}

/// How deep elements may nest at most, by counting tags. Tags that end by themselves, as `<p>` and `<td>` do when the
/// next one opens, count only as far as they are closed.
fn nesting(text: &str) -> usize {
    const SELF_ENDING: &[&str] = &[
        "p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot", "br", "hr", "img", "input",
        "meta", "link", "col", "area", "base", "wbr",
    ];
    let mut depth = 0usize;
    let mut deepest = 0;
    for tag in text.split('<').skip(1) {
        let name = tag.trim_start_matches('/');
        let name: &str = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        let known = !name.is_empty() && !SELF_ENDING.iter().any(|n| n.eq_ignore_ascii_case(name));
        match (known, tag.starts_with('/')) {
            (true, true) => depth = depth.saturating_sub(1),
            (true, false) => depth += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Classes of the page's own styles under which text is struck through or hidden.
fn hidden_classes(page: &Html) -> Vec<(String, bool)> {
    let Ok(selector) = Selector::parse("style") else { return Vec::new() };
    let mut classes = Vec::new();
    for style in page.select(&selector) {
        let css: String = style.text().collect();
        for rule in css.split('}') {
            let Some((names, body)) = rule.split_once('{') else { continue };
            let body: String = body.to_lowercase().split_whitespace().collect();
            let struck = body.contains("line-through");
            if !struck && !body.contains("display:none") {
                continue;
            }
            // Only a class by itself: what else a rule asks for is not looked at.
            let names = names.split(',').filter_map(|name| name.trim().rsplit_once('.'));
            let alone = names.filter(|(tag, _)| !tag.contains([' ', '>', '#', ':', '@']));
            classes.extend(alone.map(|(_, class)| (class.trim().to_owned(), struck)));
        }
    }
    classes
}

/// The `<title>` if the text bears it out, or the main heading where the title merely adds the name of the site to it. Pages saved by
/// office programs carry the title of whatever older document they were made from.
fn page_title(page: &Html, blocks: &[Block]) -> Option<String> {
    let selector = Selector::parse("title").ok()?;
    let title = one_line(&page.select(&selector).next()?.text().collect::<String>());
    let main = blocks.iter().find_map(|block| match block {
        Block::Heading { depth: 1, text } if title.contains(text.as_str()) => Some(text.clone()),
        _ => None,
    });
    // 挂失办法 - 示例银行内网: the name of the site comes last.
    let alone = title.split([' ', '-', '_', '|', '—', '–']).next().unwrap_or_default();
    main.or_else(|| {
        [title.as_str(), alone].into_iter().find(|title| super::title_in_text(title, blocks)).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(page: &str) -> Vec<Block> {
        read(page.as_bytes()).unwrap().blocks
    }

    fn paragraphs(texts: &[&str]) -> Vec<Block> {
        texts.iter().map(|t| Block::Paragraph(t.to_string())).collect()
    }

    #[test]
    fn a_page_gives_what_its_reader_sees() {
        let page = "<html><head><title>挂失办法 - 示例银行内网</title><style>p{}</style></head><body><nav>首页</nav>\
            <h1>挂失<br>办法</h1><script>x()</script><p>第一条&nbsp;甲<b>乙</b>。<br/>第二条 丙。</p>\
            <p style='display: none'>隐</p><div hidden>藏</div>散文<ol start=3><li>项</li><li>次</li></ol><ul><li>点</ul></body>";
        let document = read(page.as_bytes()).unwrap();
        assert_eq!(document.blocks[0], Block::Heading { depth: 1, text: "挂失 办法".into() });
        assert_eq!(
            document.blocks[1..],
            paragraphs(&["第一条 甲乙。", "第二条 丙。", "散文", "3. 项", "4. 次", "- 点"])
        );
        assert_eq!(document.meta["title"], "挂失办法");
        let stale = read("<title>早报</title><p>晚班取款办法</p><p>第一条 甲。</p>".as_bytes()).unwrap();
        assert_eq!(stale.meta.get("title"), None);
        let same = read(b"<title>AB - site</title><h1>AB</h1>").unwrap();
        assert_eq!(same.meta["title"], "AB");
    }

    #[test]
    fn data_tables_stay_and_layout_tables_dissolve() {
        let page = "<table><tr><td><h2>收费</h2><table><tr><th>项目<th>标准</tr>\
            <tr><td rowspan=2>挂失<td>口头 免费</tr><tr><td>书面<p>10 元</p></td></tr></table><p>完</p></td></tr></table>";
        let rows = [["项目", "标准"], ["挂失", "口头 免费"], ["挂失", "书面 10 元"]];
        assert_eq!(
            blocks(page),
            [
                Block::Heading { depth: 2, text: "收费".into() },
                Block::Table { header: true, rows: rows.map(|r| r.map(String::from).to_vec()).to_vec() },
                Block::Paragraph("完".into()),
            ]
        );
    }

    #[test]
    fn struck_text_is_left_out_and_raised_figures_stay_apart() {
        let page = "<style>.old, td.gone { text-decoration : line-through } .x{display:none} a .y{text-decoration:line-through}</style>\
            <p>限额<s>5万元</s><strike>4万元</strike><del>3万元</del>2万元。</p><p><span style='text-decoration:line-through'>旧</span>新</p>\
            <p><span class='a old'>每季</span>每月</p><p class=x>藏</p><p class=y>在</p><p>10<sup>6</sup>元、500<sup>[1]</sup>克</p>";
        let document = read(page.as_bytes()).unwrap();
        assert_eq!(document.blocks, paragraphs(&["限额2万元。", "新", "每月", "在", "10⁶元、500[1]克"]));
        assert!(document.meta["warning"].contains("5 处"), "{:?}", document.meta);
        let wide =
            "<table><tr><td rowspan=2>类别<td colspan=2>取款</tr><tr><td>单日<td>年</tr><tr><td colspan=3>个人</table>";
        let rows = [["类别", "取款", "取款"], ["类别", "单日", "年"], ["个人", "", ""]];
        assert_eq!(
            blocks(wide),
            [Block::Table { header: false, rows: rows.map(|r| r.map(String::from).to_vec()).to_vec() }]
        );
    }

    #[test]
    fn absurd_pages_end() {
        let deep = |n: usize| format!("{}文{}", "<div>".repeat(n), "</div>".repeat(n));
        assert_eq!(blocks(&deep(MAX_NESTING)), paragraphs(&["文"]));
        assert_eq!(read(deep(500_000).as_bytes()).unwrap_err().code(), Code::DocumentTooLarge);
        // Paragraphs need no end tag.
        assert_eq!(blocks(&"<p>款".repeat(5_000)).len(), 5_000);
        let wide = "<table><tr><td colspan=99999999 rowspan=99999999>甲<td>乙<tr><td>丙</table>";
        assert_eq!(blocks(wide).len(), 1);
        let tables = format!("{}文", "<table><tr><td>".repeat(MAX_NESTING));
        assert_eq!(blocks(&tables), paragraphs(&["文"]));
        let huge = read(&vec![b'a'; MAX_HTML_BYTES + 1]).unwrap_err();
        assert_eq!(huge.code(), Code::DocumentTooLarge);
    }
}
