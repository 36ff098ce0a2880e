"""Cuts the plain text of a notice or rule into clauses.

The texts of `pbc/` were taken out of PDF and HTML files: paragraphs are broken into lines, headings stand among them, letterheads and
lists of recipients around them. What is cut here only has to be the same every time (questions are bound to a clause by a
fingerprint of its text); the program cuts a bank's documents by rules of its own (src/ingest).
"""

import re
from dataclasses import dataclass

_NUMBER = "[一二三四五六七八九十百零〇]"
_CHAPTER = re.compile(rf"^第{_NUMBER}+章")
#: 第五条, but not the 第五条 of 第五条之规定, 第五条第二款 or 第五条和第六条.
_ARTICLE = re.compile(rf"^第{_NUMBER}+条(?:之{_NUMBER}+)?(?=[\s　 :：、]|[^\s之款项的规第、，和至（(])")
_SECTION = re.compile(rf"^{_NUMBER}{{1,3}}、")
_ITEM = re.compile(rf"^[（(]{_NUMBER}{{1,3}}[)）]")
#: Letterhead, recipients, dates and page numbers.
_ASIDE = re.compile(
    r"^(主题词|联系人|抄送|内部发送|分送|联系电话|附件[:：]|中国人民银行(办公厅)?\s*\d{4}\s*年"
    r"|[一二三四五六七八九〇○零0-9]{4}年.{1,8}日$|\d+$|[-—]\s*\d+\s*[-—]$)"
)
#: How the title of a rule ends that is attached to a notice.
_RULE_TITLE = re.compile(r"(办法|规定|细则|规程|指引|条例|制度|准则|规则|意见|要求|标准|协议|规范|方案)(（.*）)?$")
_HAN = r"[\u4e00-\u9fff，。；：、）（]"
_SPACE_IN_HAN = re.compile(rf"(?<={_HAN})\s+(?=[\u4e00-\u9fff，。；：、（）])")

#: A line of so many characters that ends without a stop goes on in the next one.
_BROKEN_LINE = 18
#: Lines longer than this are running text, in which blanks between characters mean nothing.
_RUNNING_TEXT = 40
#: Shorter lines of a numbered section are its heading, and so much of it is kept.
_SECTION_HEADING, _HEADING_CHARS = 45, 30
#: An article that ends with a colon takes numbered lines in up to this length, and any lines up to that one.
_OPEN_ARTICLE, _LONGEST = 400, 1000
#: Shorter pieces have nothing to be asked for.
_SHORTEST = 22
#: A section shorter than this is a heading whose items follow within it.
_SECTION_ALONE = 25
#: Paragraphs that stand for a text without any numbering, and how long they are at least.
_PLAIN_PIECES, _PLAIN_CHARS = 12, 25


@dataclass
class Piece:
    """A clause as it was cut."""

    title: str
    chapter: str
    #: 第N条, 一、, 一、（二）, or 段N for the Nth paragraph of a text without numbering.
    label: str
    text: str

    @property
    def is_article(self) -> bool:
        return self.label.startswith("第")


def lines(text: str) -> list[str]:
    """Paragraphs: numbered ones begin a line, broken ones are joined, letterheads are gone."""
    text = text.replace("\r", "").replace("\u3000", " ")
    text = re.sub(rf"(?<=[。：；])\s*(第{_NUMBER}+条)(?=[\s ])", r"\n\1", text)
    text = re.sub(rf"(?<=[。：])\s*({_NUMBER}{{1,3}}、)", r"\n\1", text)
    text = re.sub(rf"(?<=[。：；])\s*([（(]{_NUMBER}{{1,3}}[)）])", r"\n\1", text)
    out: list[str] = []
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        if len(line) > _RUNNING_TEXT:
            line = _SPACE_IN_HAN.sub("", line)
        if _ASIDE.match(line):
            continue
        numbered = any(mark.match(line) for mark in (_ARTICLE, _SECTION, _ITEM, _CHAPTER))
        if out and len(out[-1]) >= _BROKEN_LINE and out[-1][-1] not in "。：；！？”）)》" and not numbered:
            out[-1] += line
        else:
            out.append(line)
    return out


class _Cutter:
    """The place in a document that has been reached."""

    def __init__(self, title: str) -> None:
        self.title = title
        #: Title of the rule within the notice, once its first article has been met.
        self.rule = title
        self.pieces: list[Piece] = []
        self.open: Piece | None = None
        self.chapter = ""
        self.section = ""
        self.articles = False
        self.before: list[str] = []

    def take(self, line: str) -> None:
        if _CHAPTER.match(line) and len(line) < _RUNNING_TEXT:
            self.chapter, self.open = line, None
            return
        if article := _ARTICLE.match(line):
            self._article(article.group(0), line)
        elif section := _SECTION.match(line):
            self._section(section.group(0), line)
        elif self.open is not None:
            self._within(self.open, line)
        self.before.append(line)

    def _add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.open = piece

    def _article(self, label: str, line: str) -> None:
        if label == "第一条":
            self._begin_rule()
        self.articles = True
        self.section = ""
        self._add(Piece(self.rule, self.chapter, label, line))

    def _begin_rule(self) -> None:
        """A first article begins a rule: its title stands a few lines above, its chapter right above."""
        for line in reversed(self.before[-6:]):
            line = re.sub(r"^附件?\d*[:：]?", "", line).strip("《》 ")
            if _RULE_TITLE.search(line) and 5 < len(line) < 60:
                self.rule = line
                break
        if self.open is not None:
            self.chapter = ""

    def _section(self, number: str, line: str) -> None:
        within = self.open
        if within and within.is_article and len(within.text) < _OPEN_ARTICLE and within.text.rstrip()[-1] in "：:":
            within.text += "\n" + line
            return
        heading = line[len(number) :][:_HEADING_CHARS] if len(line) < _SECTION_HEADING else ""
        self.section = number + heading
        self._add(Piece(self.rule if self.articles else self.title, "", number, line))

    def _within(self, piece: Piece, line: str) -> None:
        item = _ITEM.match(line)
        if item and not piece.is_article and len(piece.text) > _SECTION_ALONE:
            # Three characters are a number alone, without a heading.
            chapter = self.section if len(self.section) > 3 else piece.chapter
            label = piece.label.split("（")[0] + "（" + item.group(0)[1:-1] + "）"
            self._add(Piece(piece.title, chapter, label, line))
        elif len(piece.text) < _LONGEST:
            piece.text += "\n" + line


def cut(text: str, title: str) -> list[Piece]:
    """The clauses of a text that its publisher gave this title."""
    cutter = _Cutter(title)
    paragraphs = lines(text)
    for line in paragraphs:
        cutter.take(line)
    pieces = cutter.pieces
    if not pieces:
        plain = [line for line in paragraphs if len(line) > _PLAIN_CHARS][:_PLAIN_PIECES]
        pieces = [Piece(title, "", f"段{n}", line) for n, line in enumerate(plain, 1)]
    return [piece for piece in pieces if len(piece.text) >= _SHORTEST]
