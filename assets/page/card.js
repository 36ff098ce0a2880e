/* How an answer looks: on the screen, as plain text for the clipboard, and as a printed slip.
   Everything is built from nodes and text; nothing that came from a server is ever read as markup. */
var guidaCard = (function () {
  'use strict';

  const LABEL = '本内容由人工智能生成,仅供参考';
  const BANNER = '仅限行内使用,不直接对客';
  const STATUS = { in_force: '现行有效', not_yet_in_force: '尚未施行', superseded: '已被新版本取代', repealed: '已废止' };

  /* Builds an element: el('p', { class: 'x', onclick: f }, 'text', child, …); null children are left out. */
  function el(name, attributes) {
    const node = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) {
      const value = attributes[key];
      if (value === null || value === undefined || value === false) { return; }
      if (key.slice(0, 2) === 'on') { node.addEventListener(key.slice(2), value); }
      else { node.setAttribute(key, value === true ? '' : value); }
    });
    for (let i = 2; i < arguments.length; i++) { add(node, arguments[i]); }
    return node;
  }

  function add(node, child) {
    if (child === null || child === undefined || child === '') { return; }
    if (Array.isArray(child)) { child.forEach(function (c) { add(node, c); }); }
    else { node.appendChild(typeof child === 'object' ? child : document.createTextNode(String(child))); }
  }

  function clear(node) {
    while (node.firstChild) { node.removeChild(node.firstChild); }
    return node;
  }

  /* The word beside the conclusion, and what is left to say. The word only repeats how the conclusion itself begins, so that
     it can never say more; beside a sentence taken from a rule, which gives no verdict on the case, it says so. */
  function verdict(card) {
    if (card.refused) { return { kind: 'none', word: card.refusal.incomplete ? '请补充' : '未找到依据' }; }
    const first = /^(有条件|能|是|否|不能[^:：,，。]{0,3})[:：]\s*/.exec(card.conclusion) || /^(能|是|否|不能)[,，]\s*/.exec(card.conclusion);
    const word = first ? first[1] : '规定', rest = first ? card.conclusion.slice(first[0].length) : card.conclusion;
    if (card.clarify || word === '有条件') { return { kind: 'depends', word: '有条件', rest: word === '有条件' ? rest : card.conclusion }; }
    return { kind: word === '能' ? 'yes' : /^不能/.test(word) ? 'no' : 'plain', word: word, rest: rest };
  }

  /* `text` with the answering sentence marked; positions count whole characters, not UTF-16 units. */
  function marked(text, range) {
    if (!range) { return [text]; }
    const chars = Array.from(text);
    return [
      chars.slice(0, range[0]).join(''),
      el('mark', null, chars.slice(range[0], range[1]).join('')),
      chars.slice(range[1]).join('')
    ];
  }

  function period(from, until) {
    if (!until) { return from ? from + ' 起施行' : '施行日期未载明'; }
    return '施行 ' + (from || '日期未载明') + ',失效 ' + until;
  }

  /* Whether the card's own sections already say what this guide says. */
  function repeated(card, c) { return c.level === '操作指引' && card.steps.length > 0; }

  function facts(c) {
    return [c.doc_no || '无文号', c.clause, period(c.effective_from, c.effective_to), c.status_label].join(' · ');
  }

  function pills(c) {
    return [
      el('span', { class: 'pill ' + c.status }, c.status_label || STATUS[c.status]),
      c.sample ? el('span', { class: 'pill sample' }, '示例') : null
    ];
  }

  /* What other texts have changed in the clause, and what a consolidated text is made of, a line each. */
  function marks(c) {
    const lines = [];
    if (c.made_of) { lines.push('合并文本(由' + c.made_of.map(function (s) { return '《' + s.document + '》'; }).join('和') + '合成)'); }
    (c.amended || []).forEach(function (a) {
      lines.push(a.mark + (a.id ? ',见《' + a.document + '》' + a.clause : '') + (a.merged ? '' : ',以下仍是修改前的原文'));
    });
    return lines;
  }

  function markedBy(c) { return marks(c).map(function (line) { return el('p', { class: 'amended' }, line); }); }

  function cite(c, open) {
    return el('li', { class: 'cite', id: 'cite-' + c.n },
      el('button', { class: 'cite-head', type: 'button', title: '打开原文(Alt+' + c.n + ')', onclick: function () { open(c); } },
        el('span', { class: 'n' }, c.n),
        el('span', { class: 'names' },
          el('span', { class: 'title' }, '《' + c.document + '》' + c.clause),
          el('span', { class: 'facts' }, (c.doc_no || '无文号') + ' · ' + period(c.effective_from, c.effective_to) + ' ', pills(c))),
        el('span', { class: 'more' }, '原文 ›')),
      markedBy(c),
      el('p', { class: 'verbatim', tabindex: '0' }, marked(c.text, c.highlight)),
      c.same_in ? el('p', { class: 'same' }, '另见相同规定:' + c.same_in.join('、')) : null);
  }

  function list(title, kind, items) {
    if (!items.length) { return null; }
    return el('div', { class: 'section ' + kind }, el('h3', null, title),
      el(kind === 'steps' ? 'ol' : 'ul', null, items.map(function (item) { return el('li', null, item); })));
  }

  function paragraph(title, kind, text) {
    return text ? el('div', { class: 'section ' + kind }, el('h3', null, title), el('p', null, text)) : null;
  }

  function clarify(card, choose) {
    if (!card.clarify) { return null; }
    return el('div', { class: 'clarify' }, el('b', null, '请先确认'), card.clarify.question,
      el('div', { class: 'choices' }, card.clarify.choices.map(function (choice) {
        return el('button', { class: 'choice', type: 'button', onclick: function () { choose(choice.label); } },
          choice.label, el('span', { class: 'leads' }, choice.conclusion));
      })));
  }

  /* How a follow-up was read, and a button that asks it as a matter of its own. */
  function readAs(card, alone) {
    if (!card.read_as) { return null; }
    return el('p', { class: 'notice read-as' }, card.read_as + ' ',
      el('button', { class: 'tool', type: 'button', id: 'alone', onclick: alone }, '只问“' + card.asked + '”'));
  }

  function whom(card) { return (card.refusal.incomplete ? '' : '请咨询:') + card.refusal.ask; }

  function refusal(r) {
    if (r.incomplete) { return el('div', { class: 'refusal' }, el('p', null, r.ask)); }
    return el('div', { class: 'refusal' }, el('dl', null,
      el('dt', null, '该问谁'), el('dd', { class: 'whom' }, r.ask),
      el('dt', null, '查过哪里'), el('dd', null, '现行有效的 ' + r.documents_searched + ' 份文件、' + r.clauses_searched + ' 条'),
      el('dt', null, '查了什么词'), el('dd', null, r.terms.length ? r.terms.join('、') : '无可查的词'),
      r.nearest.length ? [el('dt', null, '相近文件'), el('dd', null, r.nearest.map(function (t) { return '《' + t + '》'; }).join(' '),
        el('div', { class: 'faint' }, '仅供查找方向,不构成答复'))] : null));
  }

  /* Draws the card into `place`. `act` has open(citation), choose(label), alone(), copy(), print(), prose(), and
     `when` for an answer taken from the history. */
  function draw(place, card, act) {
    const v = verdict(card);
    const tools = [
      el('button', { class: 'tool made', type: 'button', id: 'to-prose', hidden: true, onclick: act.prose }),
      el('button', { class: 'tool', type: 'button', id: 'copy', onclick: act.copy }, '复制'),
      el('button', { class: 'tool', type: 'button', id: 'print', onclick: act.print }, '打印')
    ];
    const doing = [list('步骤', 'steps', card.steps), list('所需资料', 'materials', card.materials), list('风险提示', 'risk', card.risk)];
    const script = paragraph('对客话术', 'script', card.script), path = paragraph('升级路径', 'path', card.refused ? '' : card.escalation);
    /* Where no guide speaks there is nothing beside the clauses but whom to ask. */
    const guided = doing.some(Boolean) || script;
    clear(place);
    add(place, [
      el('div', { class: 'card-head' },
        el('span', { class: 'asked' }, '问:', el('b', null, card.question), ' · 按 ' + card.as_of + ' 有效的规则作答' + (act.when ? ' · ' + act.when.slice(11) + ' 的回答' : '')), tools),
      readAs(card, act.alone),
      card.notices.map(function (notice) { return el('p', { class: 'notice' }, notice); }),
      el('div', { class: 'verdict ' + v.kind },
        el('span', { class: 'word' }, v.word),
        el('div', null,
          el('p', { class: 'said' }, card.refused ? card.refusal.reason : v.rest),
          card.conclusion_source ? el('p', { class: 'source' }, '结论出处:' + card.conclusion_source) : null)),
      clarify(card, act.choose),
      guided ? null : path,
      card.refused ? refusal(card.refusal) : el('div', { class: 'columns' + (guided ? '' : ' single') },
        el('div', { class: 'evidence' }, el('h3', null, '依据(原文)'),
          el('ol', { class: 'cites' }, card.citations.map(function (c) { return cite(c, act.open); }))),
        guided ? el('div', { class: 'guide' }, doing, path, script) : null),
      el('p', { class: 'foot' }, '知识版本 ' + card.generation + ' · 用时 ' + Math.max(1, Math.round(card.timings.card_ms)) + ' 毫秒 · ' + BANNER)
    ]);
    place.hidden = false;
    /* A long clause opens at the sentence that answers. */
    const texts = place.querySelectorAll('.verbatim');
    for (let i = 0; i < texts.length; i++) {
      const sentence = texts[i].querySelector('mark');
      if (sentence) { texts[i].scrollTop = Math.max(0, sentence.offsetTop - 30); }
    }
  }

  /* What the box must tell, above everything. Drawn only when it has changed, so that it is read out once. */
  function alerts(place, notices) {
    const told = notices.map(function (n) { return n.code + n.message; }).join();
    if (place.getAttribute('data-told') === told) { return; }
    place.setAttribute('data-told', told);
    add(clear(place), notices.map(function (n) { return el('p', { class: 'notice' }, el('b', null, n.message), ' ' + n.hint); }));
    place.hidden = !notices.length;
  }

  /* The line that says how far the prose is. */
  function progress(p) {
    const speed = p.tokens_per_second ? ',' + p.tokens_per_second.toFixed(p.tokens_per_second < 10 ? 1 : 0) + ' 词元每秒' : '';
    if (p.stage === 'queued') {
      return '排队第 ' + (p.ahead + 1) + ' 位' + (p.expected_wait_ms ? ',约等 ' + Math.ceil(p.expected_wait_ms / 1000) + ' 秒' : '');
    }
    if (p.stage === 'reading') { return p.prefill_total ? '阅读条款 ' + p.prefill_done + '/' + p.prefill_total : '正在准备…'; }
    return (p.stage === 'thinking' ? '思考中' : '写作') + speed;
  }

  /* The answer in words; the same text is hashed for the slip. */
  function text(card, prose) {
    const lines = ['问题:' + card.question, '规则日期:' + card.as_of];
    if (card.refused) {
      lines.push('结论:' + verdict(card).word + '。' + card.refusal.reason, whom(card));
    } else {
      lines.push('结论:' + card.conclusion);
      if (card.conclusion_source) { lines.push('结论出处:' + card.conclusion_source); }
    }
    card.notices.forEach(function (notice) { lines.push('注意:' + notice); });
    card.citations.forEach(function (c) {
      lines.push('依据[' + c.n + ']《' + c.document + '》 ' + facts(c));
      marks(c).forEach(function (line) { lines.push('【' + line + '】'); });
      if (!repeated(card, c)) { lines.push(c.text); }
      if (c.same_in) { lines.push('另见相同规定:' + c.same_in.join('、')); }
    });
    [['步骤', card.steps], ['所需资料', card.materials], ['风险提示', card.risk]].forEach(function (part) {
      if (part[1].length) { lines.push(part[0] + ':'); }
      part[1].forEach(function (item, i) { lines.push((i + 1) + '. ' + item); });
    });
    if (card.script) { lines.push('对客话术:' + card.script); }
    if (card.escalation) { lines.push('升级路径:' + card.escalation); }
    if (prose && prose.text) { lines.push('【' + LABEL + '】' + (prose.broken ? '(未完成)' : ''), prose.text); }
    lines.push('知识版本:' + card.generation);
    return lines.join('\n');
  }

  /* Fills the slip for printing. */
  function slip(place, card, prose, when) {
    const hash = guidaSha256(text(card, prose));
    const v = verdict(card);
    const part = function (title, items, ordered) {
      return items.length ? [el('h2', null, title), el(ordered ? 'ol' : 'ul', null, items.map(function (i) { return el('li', null, i); }))] : null;
    };
    clear(place);
    add(place, [
      el('h1', null, '业务依据单', el('span', { class: 'only' }, BANNER)),
      el('p', null, '问题:' + card.question), el('p', null, '按 ' + card.as_of + ' 有效的规则'),
      card.notices.map(function (n) { return el('p', null, '注意:' + n); }),
      el('p', { class: 'conclusion' }, '【' + v.word + '】' + (card.refused ? card.refusal.reason : v.rest)),
      el('p', null, card.refused ? whom(card) : '结论出处:' + card.conclusion_source),
      card.citations.length ? el('h2', null, '依据(原文)') : null,
      card.citations.map(function (c) {
        return el('div', { class: 'basis' }, el('b', null, '[' + c.n + '] 《' + c.document + '》'),
          el('p', { class: 'facts' }, facts(c) + (c.sample ? ' · 示例' : '')), markedBy(c), repeated(card, c) ? null : el('p', null, marked(c.text, c.highlight)),
          c.same_in ? el('p', { class: 'facts' }, '另见相同规定:' + c.same_in.join('、')) : null);
      }),
      part('步骤', card.steps, true), part('所需资料', card.materials), part('风险提示', card.risk),
      card.escalation ? part('升级路径', [card.escalation]) : null,
      prose && prose.text ? el('div', { class: 'made' }, el('b', null, LABEL + (prose.broken ? '(未完成)' : '')), '\n' + prose.text) : null,
      el('p', { class: 'sign' }, el('span', null, '经办:'), el('span', null, '复核:'), el('span', null, '日期:')),
      el('footer', null, el('p', null, '知识版本 ' + card.generation + ' · 打印时间 ' + when),
        el('p', { class: 'hash' }, '答案校验值 SHA-256 ' + hash))
    ]);
  }

  /* A day as people write it, as 2026-01-01; '' for none, null for what is no day. */
  function dayOf(text) {
    if (!text.trim()) { return ''; }
    const m = /^(\d{4})(\d\d)(\d\d)$/.exec(text.trim()) || /^(\d{4})[-\/.年](\d{1,2})[-\/.月](\d{1,2})日?$/.exec(text.trim());
    const date = m && new Date(Number(m[1]), Number(m[2]) - 1, Number(m[3]));
    if (!date || date.getMonth() !== Number(m[2]) - 1 || date.getDate() !== Number(m[3])) { return null; }
    return m[1] + '-' + ('0' + m[2]).slice(-2) + '-' + ('0' + m[3]).slice(-2);
  }

  /* The present moment as it is printed. */
  function stamp() {
    const d = new Date(), two = function (n) { return (n < 10 ? '0' : '') + n; };
    return d.getFullYear() + '-' + two(d.getMonth() + 1) + '-' + two(d.getDate()) + ' ' + two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds());
  }

  return { LABEL: LABEL, STATUS: STATUS, alerts: alerts, dayOf: dayOf, el: el, add: add, clear: clear, draw: draw, marked: marked, markedBy: markedBy, period: period,
    pills: pills, progress: progress, verdict: verdict, text: text, slip: slip, stamp: stamp };
})();
