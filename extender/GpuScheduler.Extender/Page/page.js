// The page of gpu-scheduler. Names and annotations come from whoever may make pods: they reach the document as textContent alone.
'use strict';

const $ = id => document.getElementById(id);
const MOST_PIXELS = 16e6;        // what browsers draw without trouble
const MOST_DECISIONS = 200;      // shown; the service remembers more
const MOST_WAITING = 100;
const HUES = 8;

let token = '';                  // in memory alone
let map = null;                  // the last answer of /v1/map
let tag = '';
let nodes = [];                  // what is drawn: {name, product, cards, faulty, conflict, x, y, w, h, group}
let groups = [];
let current = -1;
let wanted = '';                 // what is looked for
let shown = '';                  // name of the node that is open
let colours = {};

class NeedsToken extends Error {}

async function ask(path, headers) {
  const answer = await fetch(path, { headers: { ...headers, ...(token ? { Authorization: 'Bearer ' + token } : {}) }, cache: 'no-store' });
  if (answer.status === 401 || answer.status === 403) {
    throw new NeedsToken();
  }
  if (!answer.ok && answer.status !== 304 && answer.status !== 404) {
    const error = new Error('the service answered ' + answer.status);
    error.status = answer.status;
    throw error;
  }
  return answer;
}

function say(text, bad) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', !!bad);
}

function failed(error) {
  if (error instanceof NeedsToken) {
    if ($('token-form').hidden) {
      $('token-form').hidden = false;
      $('token').focus();
    }
    say(token ? 'The token is not accepted.' : 'The service asks for a token.', true);
  } else {
    say('The service cannot be reached; it is asked again (' + error.message + ').', true);
  }
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) {
    made.textContent = text;
  }
  if (className) {
    made.className = className;
  }
  return made;
}

// ---- the map -------------------------------------------------------------------------------------------------------------------

async function readMap() {
  const answer = await ask('v1/map', tag ? { 'If-None-Match': tag } : {});
  if (answer.status !== 304) {
    tag = answer.headers.get('ETag') || '';
    map = await answer.json();
    rebuild();
  }
  $('token-form').hidden = true;
  say('As of ' + new Date().toLocaleTimeString() + '.');
}

function rebuild() {
  const before = current >= 0 ? nodes[current].name : '';
  groups = map.groups;
  nodes = [];
  for (const group of groups) {
    group.first = nodes.length;
    for (const [name, product, cards, faulty, conflict] of group.nodes) {
      nodes.push({ name, product: map.products[product], cards, faulty: new Set(faulty || []), conflict: !!conflict, group });
    }
  }
  current = before ? nodes.findIndex(n => n.name === before) : -1;
  map.hue = map.owners.map(([pod, gang]) => hash(gang ? 'gang ' + gang : 'pod ' + pod) % HUES);
  tiles();
  layout();
}

function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  }
  return (h ^ (h >>> 15)) >>> 0;
}

// How much of a card is free: 1 all of it, 0 nothing.
function freeOf(card) {
  if (card === 0) {
    return 1;
  }
  if (typeof card === 'number') {
    return 0;
  }
  return card[0] === 'm'
    ? 1 - card.slice(2).reduce((sum, part) => sum + part[1], 0) / card[1]
    : 1 - Math.min(1, card.slice(1).reduce((sum, part) => sum + part[0], 0) / 1000);
}

function tiles() {
  let all = 0, free = 0, part = 0, faulty = 0;
  for (const node of nodes) {
    node.cards.forEach((card, i) => {
      all++;
      if (node.faulty.has(i)) {
        faulty++;
      } else if (card === 0 || (card[0] === 'm' && card.length === 2)) {
        free++;
      } else if (typeof card !== 'number') {
        part++;
      }
    });
  }
  const list = [['nodes with GPUs', nodes.length], ['GPUs', all], ['free', free], ['shared or cut', part], ['held whole', all - free - part - faulty], ['unhealthy', faulty]];
  $('tiles').replaceChildren(...list.map(([name, value]) => {
    const tile = element('div');
    tile.append(element('dt', name), element('dd', value.toLocaleString('en')));
    return tile;
  }));
}

let scale = { cell: 14, gap: 2, label: 12, columns: 4 };

// Racks flow like words; nodes fill a rack row by row. Few nodes are drawn large, with their names.
function layout() {
  const canvas = $('map');
  const width = Math.max(280, $('map-box').clientWidth - 2);
  const large = nodes.length <= 300;
  scale = large ? { cell: 16, gap: 2, label: 15, space: 10 } : { cell: nodes.length <= 1500 ? 8 : 5, gap: 1, label: 0, space: nodes.length <= 1500 ? 4 : 3 };
  const pad = large ? 12 : 6;
  const title = groups.some(g => g.name) ? (large ? 18 : 13) : 0;
  let x = pad, y = pad, rowHeight = 0;
  for (const group of groups) {
    const count = group.nodes.length;
    const most = group.nodes.reduce((m, n) => Math.max(m, n[2].length), 1);
    const columns = Math.min(most, 8) > 4 && !large ? 4 : Math.min(most, 8);
    const nodeWidth = Math.max(columns * (scale.cell + scale.gap), large ? 112 : 0) + scale.space;
    const room = width - 2 * pad;
    const square = large ? 4 : Math.ceil(Math.sqrt(count));
    const fit = Math.max(1, Math.floor(room / nodeWidth));
    // Racks side by side are nearly square; where only one fits, it takes the whole width.
    const across = Math.min(count, fit, count <= 32 && 2 * square * nodeWidth <= room ? square : fit);
    const groupWidth = across * nodeWidth;
    if (x > pad && x + groupWidth > width - pad) {
      x = pad;
      y += rowHeight + pad;
      rowHeight = 0;
    }
    group.x = x;
    group.y = y;
    group.w = groupWidth - scale.space;
    let top = y + title, lineHeight = 0;
    for (let i = 0; i < count; i++) {
      const node = nodes[group.first + i];
      if (i > 0 && i % across === 0) {
        top += lineHeight;
        lineHeight = 0;
      }
      node.columns = columns;
      node.x = x + (i % across) * nodeWidth;
      node.y = top;
      node.w = nodeWidth - scale.space;
      node.h = scale.label + Math.max(1, Math.ceil(node.cards.length / columns)) * (scale.cell + scale.gap);
      lineHeight = Math.max(lineHeight, node.h + scale.space);
    }
    group.h = top + lineHeight - y;
    rowHeight = Math.max(rowHeight, group.h);
    x += groupWidth + (large ? pad : scale.space);
  }
  const height = Math.max(60, y + rowHeight + pad);
  const ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (width * height)));
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = height + 'px';
  scale.ratio = ratio;
  draw();
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  // Custom properties keep light-dark() unresolved; a property that is a colour resolves it.
  const probe = element('span');
  document.body.append(probe);
  const resolve = name => {
    probe.style.color = 'var(' + name + ')';
    return getComputedStyle(probe).color;
  };
  colours = { page: resolve('--page'), ink: resolve('--ink'), quiet: resolve('--quiet'), free: resolve('--free'), edge: resolve('--edge'), bad: resolve('--bad'), link: resolve('--link'), owners: [] };
  for (let i = 0; i < HUES; i++) {
    colours.owners.push(resolve('--o' + i));
  }
  probe.remove();
  colours.font = style.fontFamily || 'sans-serif';
}

function matches(node) {
  if (!wanted) {
    return true;
  }
  return node.name.toLowerCase().includes(wanted) || node.product.toLowerCase().includes(wanted) || node.group.name.toLowerCase().includes(wanted)
    || ownersOf(node).some(o => map.owners[o - 1].some((text, i) => i < 2 && text.toLowerCase().includes(wanted)));
}

function ownersOf(node) {
  const all = new Set();
  for (const card of node.cards) {
    if (typeof card === 'number') {
      if (card > 0) {
        all.add(card);
      }
    } else {
      card.slice(card[0] === 'm' ? 2 : 1).forEach(part => all.add(part[part.length - 1]));
    }
  }
  return [...all];
}

let lastColour = '', lastStyle = '';

function paint(context, owner, x, y, w, h) {
  const colour = colours.owners[map.hue[owner - 1]];
  if (lastColour !== colour || context.fillStyle !== lastStyle) {
    context.fillStyle = lastColour = colour;
    lastStyle = context.fillStyle;
  }
  const state = map.owners[owner - 1][2];
  if (state === 'tentative' || state === 'planned' || state === 'promised') {
    context.save();
    context.beginPath();
    context.rect(x, y, w, h);
    context.clip();
    context.strokeStyle = context.fillStyle;
    context.lineWidth = 1.5;
    context.beginPath();
    for (let d = -h; d < w; d += 4) {
      context.moveTo(x + d, y + h);
      context.lineTo(x + d + h, y);
    }
    context.stroke();
    context.restore();
  } else {
    context.fillRect(x, y, w, h);
  }
}

function draw() {
  if (!map) {
    return;
  }
  const canvas = $('map');
  const context = canvas.getContext('2d');
  context.setTransform(scale.ratio, 0, 0, scale.ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.textBaseline = 'top';
  let found = 0;
  for (const group of groups) {
    if (group.name) {
      context.font = (scale.label ? '600 12px ' : '9px ') + colours.font;
      context.fillStyle = colours.quiet;
      text(context, group.name, group.x, group.y, group.w);
    }
  }
  const { cell, gap, label } = scale;
  context.font = '11px ' + colours.font;
  const place = (node, i) => [node.x + (i % node.columns) * (cell + gap), node.y + label + Math.floor(i / node.columns) * (cell + gap)];
  const shade = node => {
    node.match = matches(node);
    found += node.match ? 1 : 0;
  };
  nodes.forEach(shade);
  // One colour after the other: changing it for every card is what takes time.
  for (const match of wanted ? [true, false] : [true]) {
    context.globalAlpha = match ? 1 : 0.15;
    context.fillStyle = colours.free;
    const seen = nodes.filter(n => n.match === match);
    for (const node of seen) {
      node.cards.forEach((_, i) => {
        const [x, y] = place(node, i);
        context.fillRect(x, y, cell, cell);
      });
    }
    for (const node of seen) {
      if (label) {
        context.fillStyle = node.conflict ? colours.bad : colours.ink;
        text(context, node.name, node.x, node.y, node.w);
      }
      node.cards.forEach((card, i) => {
        const [x, y] = place(node, i);
        if (typeof card === 'number') {
          if (card > 0) {
            paint(context, card, x, y, cell, cell);
          }
        } else if (card[0] === 'm') {
          for (const [start, size, owner] of card.slice(2)) {
            const height = cell * size / card[1];
            paint(context, owner, x, y + cell * (1 - (start + size) / card[1]), cell, Math.max(1, height - (height > 3 ? 1 : 0)));
          }
          context.strokeStyle = colours.edge;
          context.lineWidth = 1;
          context.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
        } else {
          let used = 0;
          for (const [permille, owner] of card.slice(1)) {
            const height = Math.min(cell - used, Math.max(1, cell * permille / 1000));
            paint(context, owner, x, y + cell - used - height, cell, height);
            used += height;
          }
        }
        if (node.faulty.has(i)) {
          context.strokeStyle = colours.bad;
          context.lineWidth = cell > 8 ? 2 : 1;
          context.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
          context.beginPath();
          context.moveTo(x + 1, y + 1);
          context.lineTo(x + cell - 1, y + cell - 1);
          context.moveTo(x + cell - 1, y + 1);
          context.lineTo(x + 1, y + cell - 1);
          context.stroke();
        }
      });
    }
  }
  context.globalAlpha = 1;
  $('found').textContent = wanted ? found.toLocaleString('en') + (found === 1 ? ' node' : ' nodes') : '';
  ring();
}

// Where one is: an element above the canvas, so that a step draws nothing anew.
function ring() {
  const mark = $('ring');
  mark.hidden = current < 0;
  if (current >= 0) {
    const node = nodes[current];
    mark.style.transform = 'translate(' + (node.x - 4) + 'px,' + (node.y - 4) + 'px)';
    mark.style.width = Math.max(node.w, 8) + 8 + 'px';
    mark.style.height = node.h + 6 + 'px';
  }
}

// Canvas squeezes what is too wide; a name is rather cut.
function text(context, value, x, y, width) {
  let shownText = value;
  if (context.measureText(value).width > width) {
    let length = value.length;
    while (length > 1 && context.measureText(value.slice(0, length) + '…').width > width) {
      length--;
    }
    shownText = value.slice(0, length) + '…';
  }
  context.fillText(shownText, x, y);
}

function describe(node) {
  const counts = { free: 0, part: 0, whole: 0 };
  node.cards.forEach((card, i) => {
    if (!node.faulty.has(i)) {
      counts[freeOf(card) === 1 ? 'free' : freeOf(card) > 0 ? 'part' : 'whole']++;
    }
  });
  const owners = ownersOf(node).map(o => map.owners[o - 1]);
  const names = owners.slice(0, 4).map(([pod, gang]) => gang ? pod + ' (gang ' + gang + ')' : pod);
  return [
    node.name,
    node.group.name ? map.level + ' ' + node.group.name : '',
    node.cards.length + ' × ' + node.product,
    counts.free + ' free' + (counts.part ? ', ' + counts.part + ' in part' : '') + ', ' + counts.whole + ' taken' + (node.faulty.size ? ', ' + node.faulty.size + ' unhealthy' : ''),
    node.conflict ? 'two pods are assigned one device' : '',
    names.length ? 'used by ' + names.join(', ') + (owners.length > names.length ? ' and ' + (owners.length - names.length) + ' more' : '') : '',
  ].filter(Boolean).join(' · ');
}

function select(index, scroll) {
  current = index;
  if (index >= 0) {
    $('where').textContent = describe(nodes[index]);
    if (scroll) {
      const box = $('map').getBoundingClientRect();
      const top = box.top + nodes[index].y;
      if (top < 10 || top + nodes[index].h > window.innerHeight - 70) {
        window.scrollBy(0, top - window.innerHeight / 2);
      }
    }
  }
  ring();
}

function at(event) {
  const box = $('map').getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  return nodes.findIndex(n => x >= n.x - 2 && x <= n.x + n.w + 2 && y >= n.y - 2 && y <= n.y + n.h + 2);
}

// The nearest node above (-1) or below (+1).
function beside(direction) {
  const from = nodes[current];
  let best = current, distance = Infinity;
  nodes.forEach((node, i) => {
    const dy = (node.y - from.y) * direction;
    if (dy > 2) {
      const d = dy * 4 + Math.abs(node.x - from.x);
      if (d < distance) {
        [best, distance] = [i, d];
      }
    }
  });
  return best;
}

$('map').addEventListener('keydown', event => {
  if (!nodes.length || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const moves = {
    ArrowRight: () => Math.min(nodes.length - 1, current + 1),
    ArrowLeft: () => Math.max(0, current - 1),
    ArrowDown: () => current < 0 ? 0 : beside(1),
    ArrowUp: () => current < 0 ? 0 : beside(-1),
    Home: () => 0,
    End: () => nodes.length - 1,
  };
  if (moves[event.key]) {
    event.preventDefault();
    select(moves[event.key](), true);
  } else if (event.key === 'Enter' && current >= 0) {
    event.preventDefault();
    open(nodes[current].name, true);
  }
});
$('map').addEventListener('mousemove', event => {
  const index = at(event);
  if (index >= 0 && index !== current) {
    select(index, false);
  }
});
$('map').addEventListener('click', event => {
  const index = at(event);
  if (index >= 0) {
    select(index, false);
    open(nodes[index].name, false);
  }
});
$('find').addEventListener('input', () => {
  wanted = $('find').value.trim().toLowerCase();
  draw();
});
document.addEventListener('keydown', event => {
  if (event.key === '/' && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    $('find').focus();
  } else if (event.key === 'Escape' && shown) {
    close();
  }
});

// ---- one node --------------------------------------------------------------------------------------------------------------------

async function open(name, focus) {
  shown = name;
  try {
    const node = await (await ask('v1/nodes/' + encodeURIComponent(name))).json();
    if (shown !== name) {
      return;
    }
    $('node-title').textContent = name;
    $('node-facts').textContent = node.error || [node.product, node.freeGpus + ' of ' + node.gpus + ' GPUs free', (node.freeCpuMilli / 1000).toLocaleString('en') + ' cores free', (node.freeMemoryBytes / 2 ** 30).toFixed(0) + ' GiB free'].join(' · ');
    $('node-rows').replaceChildren(...(node.devices || []).map(device => {
      const row = element('tr');
      const holders = (node.allocations || []).flatMap(a => (a.devices || []).filter(d => d.gpu === device.gpu)
        .map(d => a.pod + (d.mig ? ' ' + d.mig : '') + (d.milli ? ' ' + d.milli + ' milli' : '') + (d.memoryMiB ? ' ' + d.memoryMiB + ' MiB' : '') + (a.state === 'bound' ? '' : ' (' + a.state + ')')));
      row.append(element('td', 'GPU ' + device.gpu), element('td', device.healthy ? (device.mig === 'disabled' ? device.use : 'MIG, ' + device.use) : 'unhealthy' + (device.healthReason ? ': ' + device.healthReason : '')), element('td', holders.join(', ') || '—'));
      return row;
    }));
    $('node-notes').replaceChildren(...[...(node.warnings || []), ...(node.findings || [])].map(note => element('li', note)));
    $('node-part').hidden = false;
    if (focus) {
      $('node-title').focus();
    }
  } catch (error) {
    failed(error);
  }
}

function close() {
  shown = '';
  $('node-part').hidden = true;
  $('map').focus();
}
$('node-close').addEventListener('click', close);

// ---- who waits -------------------------------------------------------------------------------------------------------------------

function ago(time) {
  const seconds = Math.max(0, (Date.now() - new Date(time)) / 1000);
  return seconds < 90 ? Math.round(seconds) + ' s' : seconds < 5400 ? Math.round(seconds / 60) + ' min' : seconds < 172800 ? Math.round(seconds / 3600) + ' h' : Math.round(seconds / 86400) + ' d';
}

function card(title, aside, body, className) {
  const item = element('li');
  const head = element('div');
  head.append(element('b', title, className), element('small', aside));
  item.append(head, element('div', body));
  return item;
}

async function readWaiting() {
  const [pods, gangs] = await Promise.all([ask('v1/pods').then(a => a.json()), ask('v1/gangs').then(a => a.json())]);
  const waits = gangs.gangs.filter(g => g.state !== 'running' && g.state !== 'binding' && g.state !== 'planned');
  const inGang = new Set(waits.map(g => g.namespace + '/' + g.name));
  const items = [
    ...waits.map(g => card('gang ' + g.namespace + '/' + g.name, g.state, g.reason || g.present + ' of ' + g.minMembers + ' members')),
    ...pods.pods.filter(p => p.state === 'pending' && !inGang.has(p.gang)).map(p => card(p.pod, (p.since ? ago(p.since) + ' · ' : '') + (p.request || ''), p.summary)),
  ];
  const more = items.length - MOST_WAITING;
  if (more > 0) {
    items.length = MOST_WAITING;
    items.push(element('li', 'and ' + more + ' more'));
  }
  $('waiting').replaceChildren(...items);
  $('waiting-none').hidden = items.length > 0;
}

// ---- decisions as they happen ------------------------------------------------------------------------------------------------------

function words(d) {
  if (d.text || d.error) {
    return d.error || d.text;
  }
  if (d.verb === 'bind') {
    return 'to ' + d.node + (d.devices && d.devices.length ? ', ' + d.devices.map(v => v.mig ? 'MIG ' + v.mig + ' of GPU ' + v.gpu : 'GPU ' + v.gpu).join(', ') : '');
  }
  const reasons = d.reasons.slice(0, 3).map(r => r.reason + ' (' + r.nodes + ')').join(', ');
  return d.passed + ' of ' + d.offered + ' nodes will do' + (reasons ? '; ' + reasons : '');
}

let last = 0;
let arrived = [];

function took(decision) {
  if (decision.seq <= last) {
    return;
  }
  last = decision.seq;
  arrived.push(decision);
  if (arrived.length === 1) {
    // A busy scheduler decides hundreds of times a second: they are shown a few times a second.
    setTimeout(show, 150);
  }
}

function show() {
  const items = arrived.slice(-MOST_DECISIONS).reverse().map(d =>
    card(d.verb + ' ' + (d.pod || 'gang ' + d.gang), new Date(d.time).toLocaleTimeString(), words(d), d.ok ? 'ok' : 'no'));
  arrived = [];
  const list = $('decisions');
  list.prepend(...items);
  while (list.children.length > MOST_DECISIONS) {
    list.lastChild.remove();
  }
  $('decisions-none').hidden = list.children.length > 0;
  refreshSoon();
}

async function follow() {
  // fetch, not EventSource: that one cannot send a token.
  for (let pause = 1000; ; pause = Math.min(pause * 2, 30000)) {
    try {
      const past = (await (await ask('v1/decisions?limit=50')).json()).decisions;
      if (past.length === 0 || past[0].seq < last) {
        last = 0; // the service was started anew, and counts from 1 again
      }
      past.reverse().forEach(took);
      const answer = await ask('v1/events', last ? { 'Last-Event-ID': String(last) } : {});
      $('live').textContent = 'live';
      pause = 1000;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          break;
        }
        const blocks = (rest + value).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
          const data = block.split('\n').find(l => l.startsWith('data: '));
          if (data && block.includes('event: decision')) {
            took(JSON.parse(data.slice(6)));
          }
        }
      }
    } catch (error) {
      if (error instanceof NeedsToken) {
        failed(error);
        return;
      }
    }
    $('live').textContent = 'not connected';
    await new Promise(done => setTimeout(done, pause));
  }
}

let refreshing = false;

async function refresh() {
  if (refreshing || document.hidden) {
    return;
  }
  refreshing = true;
  try {
    await Promise.all([readMap(), readWaiting()]);
  } catch (error) {
    failed(error);
  } finally {
    refreshing = false;
  }
}

let soon = 0;

function refreshSoon() {
  soon ||= setTimeout(() => {
    soon = 0;
    refresh();
  }, 1200);
}

$('token-form').addEventListener('submit', event => {
  event.preventDefault();
  token = $('token').value.trim();
  $('token').value = '';
  refresh();
  follow();
});

readColours();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  readColours();
  draw();
});
let resized = 0;
new ResizeObserver(() => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(() => map && layout());
}).observe($('map-box'));
document.addEventListener('visibilitychange', refresh);
setInterval(refresh, 5000);
refresh();
follow();
