// The page of the shadow. Names come from whoever may make pods: they reach the document as textContent alone.
'use strict';

const $ = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 640, HEIGHT = 220, LEFT = 58, RIGHT = 12, TOP = 10, BOTTOM = 26;

const HEADINGS = { live: 'Cluster', control: 'Control', shadow: 'Shadow', difference: 'Difference' };

// What the figures are called, and which of two values is the better one: -1 the lower, 1 the higher, 0 neither.
const FIGURES = [
  ['allocatedGpus', 'GPUs in use', 1],
  ['idleGpus', 'GPUs left', -1],
  ['idleWholeGpus', '— whole', 0],
  ['idleShareGpus', '— for shares', 0],
  ['idleMigGpus', '— for MIG devices', 0],
  ['strandedGpus', '— stranded', -1],
  ['waitingPods', 'Pods that wait', -1],
  ['waitingGangs', 'Gangs that wait', -1],
  ['waitingGpus', 'GPUs they wait for', -1],
  ['refusedPods', 'Pods without a place at first', -1],
  ['refusedGangs', 'Gangs without a place at some time', -1],
  ['displacedPods', 'Pods whose node went', 0],
  ['linkRatio', 'Links of several GPUs (1 at best)', 1],
  ['gangSpread', 'Spread of gangs (1 at best)', -1],
  ['decisionSeconds', 'Time of a decision', -1],
];

let token = ''; // in memory alone

class NeedsToken extends Error {}

async function ask(path) {
  const answer = await fetch(path, { headers: token ? { Authorization: 'Bearer ' + token } : {}, cache: 'no-store' });
  if (answer.status === 401 || answer.status === 403) {
    throw new NeedsToken();
  }
  if (!answer.ok) {
    throw new Error('the service answered ' + answer.status);
  }
  return answer.json();
}

function say(text, bad) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', !!bad);
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

function number(figure, value, signed) {
  if (value === null || value === undefined) {
    return '—';
  }
  const sign = signed && value > 0 ? '+' : '';
  if (figure === 'decisionSeconds') {
    return sign + (value * 1000).toFixed(3) + ' ms';
  }
  const digits = figure === 'linkRatio' || figure === 'gangSpread' ? 3 : Number.isInteger(value) ? 0 : 2;
  return sign + value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function heading(text, className) {
  const cell = element('th', text, className);
  cell.scope = 'col';
  return cell;
}

function showFigures(shadow) {
  const sides = Object.keys(shadow.figures);
  $('figures-head').replaceChildren(heading('Figure'), ...sides.map(s => heading(HEADINGS[s] || s, 'number')));
  $('figures').replaceChildren(...FIGURES.map(([name, words, better]) => {
    const row = element('tr');
    const title = element('th', words);
    title.scope = 'row';
    row.append(title, ...sides.map(side => {
      const value = shadow.figures[side][name];
      const cell = element('td', number(name, value, side === 'difference'), 'number');
      if (side === 'difference' && value) {
        const way = Math.sign(value) * better;
        cell.classList.toggle('good', way > 0);
        cell.classList.toggle('bad', way < 0);
      }
      return cell;
    }));
    return row;
  }));
  const p = shadow.places;
  const other = (HEADINGS[shadow.comparedWith] || shadow.comparedWith).toLowerCase();
  $('about').textContent = 'Profile ' + shadow.profile + ' (' + shadow.policy + ') since ' + new Date(shadow.since).toLocaleString() + ', compared with the ' + other + '. Of '
    + shadow.pods.toLocaleString('en') + ' pods that came and have not ended, ' + p.same + ' are on the same node, ' + p.elsewhere + ' on another'
    + (p.partElsewhere === null ? '' : ' (' + (100 * p.partElsewhere).toFixed(1) + ' % of those with a place in both)') + ', '
    + p.referenceOnly + ' have a place in the ' + other + ' alone, ' + p.shadowOnly + ' in the shadow alone.';
}

function draw(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) {
    made.setAttribute(key, attributes[key]);
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

// A round step, so that about five lines fit.
function step(range) {
  const raw = range / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map(f => f * power).find(s => s >= raw);
}

function chart(box, title, times, series) {
  const all = Object.values(series).flat();
  let low = Math.min(...all), high = Math.max(...all);
  if (high - low < 1) {
    high = low + 1;
  }
  const by = step(high - low);
  low = Math.floor(low / by) * by;
  high = Math.ceil(high / by) * by;
  const from = times[0], span = Math.max(1, times[times.length - 1] - from);
  const x = time => LEFT + (WIDTH - LEFT - RIGHT) * (time - from) / span;
  const y = value => TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
  const last = Object.entries(series).map(([side, values]) => (HEADINGS[side] || side) + ' ' + values[values.length - 1].toLocaleString('en')).join(', ');
  const svg = draw('svg', { viewBox: '0 0 ' + WIDTH + ' ' + HEIGHT, role: 'img', 'aria-label': title + ' over time; now ' + last });
  for (let value = low; value <= high + by / 2; value += by) {
    svg.append(draw('line', { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: 'grid' }));
    svg.append(draw('text', { x: LEFT - 6, y: y(value) + 4, class: 'tick end' }, (Math.abs(value) < by / 2 ? 0 : value).toLocaleString('en', { maximumFractionDigits: 2 })));
  }
  const sameDay = new Date(from).toDateString() === new Date(times[times.length - 1]).toDateString();
  const word = time => sameDay ? new Date(time).toLocaleTimeString() : new Date(time).toLocaleString();
  svg.append(draw('text', { x: LEFT, y: HEIGHT - 6, class: 'tick' }, word(from)));
  svg.append(draw('text', { x: WIDTH - RIGHT, y: HEIGHT - 6, class: 'tick end' }, word(times[times.length - 1])));
  for (const side in series) {
    const points = series[side].map((value, i) => x(times[i]).toFixed(1) + ',' + y(value).toFixed(1));
    svg.append(draw('polyline', { points: (points.length === 1 ? points.concat(points) : points).join(' '), class: 'line ' + (HEADINGS[side] ? side : '') }));
  }
  box.replaceChildren(svg);
}

function showCharts(shadow) {
  const times = shadow.history.time.map(t => new Date(t).getTime());
  $('charts-part').hidden = times.length === 0;
  if (times.length === 0) {
    return;
  }
  $('chart-legend').replaceChildren(...Object.keys(shadow.history.idleGpus).map(side => {
    const item = element('li');
    item.append(element('span', '', 'stroke ' + (HEADINGS[side] ? side : '')), document.createTextNode(HEADINGS[side] || side));
    return item;
  }));
  chart($('chart-idle'), 'GPUs left', times, shadow.history.idleGpus);
  chart($('chart-waiting'), 'GPUs that are waited for', times, shadow.history.waitingGpus);
}

function showDifferences(shadow) {
  const sides = [shadow.comparedWith, 'shadow'];
  $('differences-head').replaceChildren(heading('Time'), heading('Pod'), heading('Asks for'), ...sides.map(s => heading(HEADINGS[s] || s)));
  $('differences').replaceChildren(...shadow.differences.map(d => {
    const row = element('tr');
    row.append(element('td', new Date(d.time).toLocaleTimeString()), element('td', d.pod + (d.gang ? ' (gang ' + d.gang + ')' : '')), element('td', d.request),
      ...sides.map(s => element('td', d[s] || 'no place')));
    return row;
  }));
  $('differences-none').hidden = shadow.differences.length > 0;
}

async function refresh() {
  if (document.hidden) {
    return;
  }
  try {
    const shadow = await ask('v1/shadow');
    $('token-form').hidden = true;
    const runs = !!shadow.figures;
    for (const part of ['figures-part', 'charts-part', 'differences-part']) {
      $(part).hidden = !runs;
    }
    if (runs) {
      showFigures(shadow);
      showCharts(shadow);
      showDifferences(shadow);
      say('As of ' + new Date(shadow.at).toLocaleTimeString() + '.');
    } else {
      say(shadow.text + (shadow.lastEnd ? ' (it ended: ' + shadow.lastEnd + ')' : '') + '.');
    }
  } catch (error) {
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
}

$('token-form').addEventListener('submit', event => {
  event.preventDefault();
  token = $('token').value.trim();
  $('token').value = '';
  refresh();
});
document.addEventListener('visibilitychange', refresh);
setInterval(refresh, 5000);
refresh();
