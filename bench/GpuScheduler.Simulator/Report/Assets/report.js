"use strict";
// The page can be read without this; here are the theme, sorting, read-outs and the map. Names from the cluster only ever become
// text nodes, never markup.
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const element = (tag, text, className) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (className) e.className = className;
    return e;
  };
  const dataOf = owner => JSON.parse(owner.querySelector('script[type="application/json"]').textContent);

  // --- Theme: before the first paint, so that it does not flash. A page from a file may not be allowed to store it.
  const themes = ["system", "light", "dark"];
  const stored = () => { try { return localStorage.getItem("report-theme"); } catch { return null; } };
  let theme = themes.includes(stored()) ? stored() : "system";
  const redraws = [];
  const redraw = () => redraws.forEach(f => f());
  const setTheme = name => {
    theme = name;
    if (name === "system") delete root.dataset.theme; else root.dataset.theme = name;
  };
  setTheme(theme);

  const startTheme = () => {
    const button = document.getElementById("theme");
    const say = () => { button.querySelector("span").textContent = theme; };
    button.hidden = false;
    say();
    button.addEventListener("click", () => {
      setTheme(themes[(themes.indexOf(theme) + 1) % themes.length]);
      try { localStorage.setItem("report-theme", theme); } catch { /* it lasts as long as the page */ }
      say();
      redraw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  };

  // --- Tables
  const startTable = table => {
    const heads = all("thead th", table);
    const value = (row, i) => {
      const cell = row.cells[i];
      return cell.dataset.sort === undefined ? cell.textContent : cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
    };
    heads.forEach((head, i) => head.querySelector("button").addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(h => h.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const sign = ascending ? 1 : -1;
      const rows = [...table.tBodies[0].rows].map((row, at) => ({ row, at, value: value(row, i) }));
      const texts = rows.every(r => r.value === null);
      if (texts) rows.forEach(r => { r.value = r.row.cells[i].textContent; });
      rows.sort((a, b) => {
        // Missing figures come last either way.
        if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.at - b.at;
        const order = typeof a.value === "number" ? a.value - b.value : a.value.localeCompare(b.value, "en", { numeric: true });
        return order * sign || a.at - b.at;
      });
      table.tBodies[0].append(...rows.map(r => r.row));
    }));
  };

  // --- Legends: click hides a policy's lines in the scenario's charts, pointing at it lets the others fade.
  const startLegend = legend => {
    const scenario = legend.closest(".scenario");
    const lines = () => all(".series[data-policy]", scenario);
    all("button", legend).forEach(button => {
      const policy = button.dataset.policy;
      const fade = on => lines().forEach(l => l.classList.toggle("dim", on && l.dataset.policy !== policy));
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(shown));
        lines().filter(l => l.dataset.policy === policy).forEach(l => l.classList.toggle("off", !shown));
      });
      button.addEventListener("mouseenter", () => fade(true));
      button.addEventListener("mouseleave", () => fade(false));
      button.addEventListener("focus", () => fade(button.matches(":focus-visible")));
      button.addEventListener("blur", () => fade(false));
    });
  };

  const placeTip = (tip, box, x, y) => {
    tip.hidden = false;
    const left = x + 16 + tip.offsetWidth <= box.clientWidth ? x + 16 : Math.max(0, x - 16 - tip.offsetWidth);
    tip.style.left = left + "px";
    tip.style.top = Math.max(0, Math.min(y - tip.offsetHeight / 2, box.clientHeight - tip.offsetHeight)) + "px";
  };

  // --- Charts: the values at the place of the pointer, or of the arrow keys.
  const startChart = figure => {
    const svg = figure.querySelector(".plot > svg");
    const plot = svg.parentElement;
    const tip = figure.querySelector(".tip");
    const readout = svg.querySelector(".readout");
    let data = null;
    let at = -1;
    const node = (name, attributes) => {
      const e = document.createElementNS("http://www.w3.org/2000/svg", name);
      Object.entries(attributes).forEach(([k, v]) => e.setAttribute(k, v));
      return e;
    };
    const hide = () => { tip.hidden = true; readout.replaceChildren(); };
    const show = index => {
      data ??= dataOf(figure);
      if (data.px.length === 0) return;
      at = Math.max(0, Math.min(index, data.px.length - 1));
      const [min, max, bottom, top] = data.y;
      const x = data.px[at];
      readout.replaceChildren(node("path", { d: `M${x} ${top}V${bottom}` }));
      tip.replaceChildren(element("b", data.label[at]));
      const shown = data.lines
        .filter(l => l.mean[at] !== null && !svg.querySelector(`.series.off[data-policy="${l.policy}"]`))
        .sort((a, b) => b.mean[at] - a.mean[at]);
      for (const line of shown) {
        const y = bottom + (line.mean[at] - min) / (max - min) * (top - bottom);
        if (y <= bottom + 1 && y >= top - 1) readout.append(node("circle", { class: line.colour, cx: x, cy: y, r: 3.5 }));
        const range = line.low && line.high[at] > line.low[at] ? ` (${line.low[at].toFixed(2)} – ${line.high[at].toFixed(2)})` : "";
        const row = element("div", undefined, line.colour);
        row.append(element("i"), element("span", line.name), element("em", line.mean[at].toFixed(2) + " %" + range));
        tip.append(row);
      }
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      placeTip(tip, plot, x * scale, plot.clientHeight / 2);
    };
    svg.addEventListener("pointermove", event => {
      data ??= dataOf(figure);
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
      let nearest = 0;
      data.px.forEach((p, i) => { if (Math.abs(p - x) < Math.abs(data.px[nearest] - x)) nearest = i; });
      show(nearest);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", event => {
      data ??= dataOf(figure);
      const last = data.px.length - 1;
      const step = event.shiftKey ? 10 : 1;
      const next = { ArrowLeft: at < 0 ? last : at - step, ArrowRight: at < 0 ? 0 : at + step, Home: 0, End: last }[event.key];
      if (event.key === "Escape") hide();
      if (next === undefined) return;
      event.preventDefault();
      show(next);
    });
  };

  // --- The map
  const unpack = ([size, text]) => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const read = { 1: i => view.getInt8(i), 2: i => view.getInt16(i * 2, true), 4: i => view.getInt32(i * 4, true) }[size];
    return Array.from({ length: bytes.length / size }, (_, i) => read(i));
  };

  let clusters = null;
  const cluster = number => {
    clusters ??= JSON.parse(document.getElementById("clusters").textContent);
    const c = clusters[number];
    if (!c.first) {
      for (const key of ["group", "cards", "cpu"]) c[key] = unpack(c[key]);
      c.first = [];
      c.cards.reduce((sum, n, i) => { c.first[i] = sum; return sum + n; }, 0);
    }
    return c;
  };

  // Colours as the style sheet has them for the theme in force; a canvas does not know custom properties.
  const colours = names => {
    const probe = document.body.appendChild(element("span"));
    probe.style.transition = "none";
    const found = {};
    for (const name of names) {
      probe.style.color = `var(--${name})`;
      found[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    return found;
  };

  const startMap = box => {
    const canvas = box.querySelector("canvas");
    const tip = box.querySelector(".tip");
    const mark = box.querySelector(".mark");
    const where = box.querySelector(".where");
    const order = box.querySelector("select");
    const scenario = box.closest(".scenario");
    const maps = dataOf(box);
    let map = null;
    let tiles = [];
    let rows = [];
    let current = -1;
    box.hidden = false;

    const nameOf = policy => scenario.querySelector(`.legend button[data-policy="${policy}"]`).textContent;
    const group = "map-" + scenario.id;
    maps.forEach((m, i) => {
      const label = element("label");
      const input = element("input");
      input.type = "radio";
      input.name = group;
      input.checked = i === 0;
      input.addEventListener("change", () => { choose(m); draw(); });
      label.append(input, " " + nameOf(m.policy));
      box.querySelector("fieldset").append(label);
    });

    const choose = chosen => {
      map = chosen;
      if (!map.nodes) {
        for (const key of ["free", "left", "class"]) map[key] = unpack(map[key]);
        map.nodes = cluster(map.cluster);
        map.unhealthy = new Set(map.unhealthy);
        map.idle = map.nodes.cards.map((n, i) => map.left.slice(map.nodes.first[i], map.nodes.first[i] + n).reduce((a, b) => a + b, 0));
      }
      current = -1;
    };

    // A card is drawn as large as the number of nodes allows; two rows of cards a node, and its CPU below.
    const cellFor = nodes => (nodes <= 40 ? 24 : nodes <= 200 ? 14 : nodes <= 500 ? 10 : nodes <= 2000 ? 7 : 5);

    const layout = (width, cell) => {
      const nodes = map.nodes;
      const gap = cell > 6 ? 4 : 3;
      const pitch = cell + 1;
      const members = nodes.groups.map(() => []);
      nodes.group.forEach((g, i) => members[g].push(i));
      tiles = [];
      rows = [];
      const titles = [];
      let y = 0;
      members.forEach((list, g) => {
        if (list.length === 0) return;
        if (order.value === "idle") list.sort((a, b) => map.idle[b] - map.idle[a] || a - b);
        titles.push([g, y + 14, list]);
        y += 22;
        let x = 0;
        let height = 0;
        let row = [];
        for (const i of list) {
          const columns = Math.max(1, Math.ceil(nodes.cards[i] / 2));
          const lines = nodes.cards[i] > 1 ? 2 : 1;
          const w = columns * pitch - 1;
          const h = 2 * pitch + 2;
          if (x > 0 && x + w > width) {
            rows.push(row);
            row = [];
            x = 0;
            y += height + gap;
          }
          const tile = { node: i, x, y, w, h, columns, lines, row: rows.length };
          tiles.push(tile);
          row.push(tile);
          height = h;
          x += w + gap;
        }
        rows.push(row);
        y += height + 12;
      });
      return { height: y, titles, pitch };
    };

    const hatch = (context, x, y, w, h) => {
      context.save();
      context.beginPath();
      context.rect(x, y, w, h);
      context.clip();
      context.beginPath();
      for (let d = -h; d < w; d += 4) {
        context.moveTo(x + d, y + h);
        context.lineTo(x + d + h, y);
      }
      context.stroke();
      context.restore();
    };

    const draw = () => {
      const width = box.clientWidth;
      if (width === 0) return;
      const nodes = map.nodes;
      const cell = cellFor(nodes.names.length);
      const { height, titles, pitch } = layout(width, cell);
      mark.hidden = true;
      tip.hidden = true;
      // Browsers refuse canvases beyond these sizes.
      const ratio = Math.min(devicePixelRatio || 1, 16000 / height, Math.sqrt(16e6 / (width * height)));
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = height + "px";
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      const paint = colours(["page", "ink", "quiet", "line", "link", "left-full", "left-0", "left-1", "left-2", "left-3", "left-4", "left-5"]);
      const left = [-1, 0, 1, 2, 3, 4, 5].map(c => paint[c < 0 ? "left-full" : "left-" + c]);
      context.font = "600 13px system-ui, sans-serif";
      context.fillStyle = paint.ink;
      for (const [g, y, list] of titles) {
        const idle = list.reduce((sum, i) => sum + map.idle[i], 0) / 1000;
        context.fillText(`${nodes.groups[g] || "–"}  ·  ${list.length.toLocaleString("en")} nodes, ${idle.toLocaleString("en", { maximumFractionDigits: 1 })} GPUs idle`, 0, y, width);
      }
      context.strokeStyle = paint.ink;
      context.lineWidth = 1;
      for (const tile of tiles) {
        const first = nodes.first[tile.node];
        for (let c = 0; c < nodes.cards[tile.node]; c++) {
          const card = first + c;
          const x = tile.x + (c % tile.columns) * pitch;
          const y = tile.y + Math.floor(c / tile.columns) * pitch;
          const slices = map.slices[card];
          // What no MIG device covers stays paper with a frame.
          context.fillStyle = slices ? paint.page : left[map.class[card] + 1];
          context.fillRect(x, y, cell, cell);
          for (const [, start, size, used] of slices ?? []) {
            context.fillStyle = used ? left[0] : left[6];
            context.fillRect(x + start / 1000 * cell, y, Math.max(1, size / 1000 * cell - (cell > 9 ? 1 : 0)), cell);
          }
          if (slices) {
            context.strokeStyle = paint.quiet;
            context.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
            context.strokeStyle = paint.ink;
          }
          if (map.unhealthy.has(card)) hatch(context, x, y, cell, cell);
        }
        const cpu = nodes.cpu[tile.node];
        if (cpu > 0) {
          context.fillStyle = paint.line;
          context.fillRect(tile.x, tile.y + 2 * pitch, tile.w, 2);
          context.fillStyle = paint.quiet;
          context.fillRect(tile.x, tile.y + 2 * pitch, tile.w * Math.max(0, Math.min(1, 1 - map.free[tile.node] / cpu)), 2);
        }
        if (map.condition[tile.node]) hatch(context, tile.x, tile.y, tile.w, 2 * pitch - 1);
      }
    };

    const cores = milli => (milli / 1000).toLocaleString("en", { maximumFractionDigits: 1 });
    const describe = i => {
      const nodes = map.nodes;
      const cards = Array.from({ length: nodes.cards[i] }, (_, c) => {
        const card = nodes.first[i] + c;
        const slices = map.slices[card];
        const text = slices
          ? "MIG " + slices.map(([profile, , , used]) => profile + (used ? " used" : " free")).join(", ")
          : map.left[card] === 0 ? "full" : map.left[card] === 1000 ? "free" : map.left[card] + " left";
        return text + (map.unhealthy.has(card) ? " (unhealthy)" : "");
      });
      return {
        name: nodes.names[i],
        facts: [
          (nodes.groups[nodes.group[i]] || "–") + (map.condition[i] ? ", " + map.condition[i] : ""),
          nodes.cpu[i] > 0 ? `${cores(map.free[i])} of ${cores(nodes.cpu[i])} cores free` : `${cores(map.free[i])} cores free`,
          `${(map.idle[i] / 1000).toLocaleString("en", { maximumFractionDigits: 3 })} of ${nodes.cards[i]} GPUs idle`,
        ],
        cards: cards.map((text, c) => `GPU ${c}: ${text}`),
      };
    };

    const select = tile => {
      if (tile.node !== current) {
        current = tile.node;
        const node = describe(current);
        where.textContent = [node.name, ...node.facts, node.cards.join("; ")].join(" · ");
        tip.replaceChildren(element("b", node.name), ...[...node.facts, ...node.cards].map(f => element("div", f)));
      }
      mark.hidden = false;
      Object.assign(mark.style, { left: canvas.offsetLeft + tile.x - 3 + "px", top: canvas.offsetTop + tile.y - 3 + "px", width: tile.w + 6 + "px", height: tile.h + 6 + "px" });
      placeTip(tip, box, canvas.offsetLeft + tile.x + tile.w, canvas.offsetTop + tile.y + tile.h / 2);
    };
    const find = (x, y) => tiles.find(t => x >= t.x - 2 && x <= t.x + t.w + 2 && y >= t.y - 2 && y <= t.y + t.h + 2);
    canvas.addEventListener("pointermove", event => {
      const tile = find(event.offsetX, event.offsetY);
      if (tile) select(tile); else tip.hidden = true;
    });
    canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
    canvas.addEventListener("blur", () => { tip.hidden = true; });
    canvas.addEventListener("keydown", event => {
      if (event.key === "Escape") tip.hidden = true;
      const i = tiles.findIndex(t => t.node === current);
      const tile = tiles[i];
      const beside = step => {
        const row = rows[Math.max(0, Math.min(tile.row + step, rows.length - 1))];
        return row.reduce((best, t) => (Math.abs(t.x - tile.x) < Math.abs(best.x - tile.x) ? t : best));
      };
      const next = {
        ArrowLeft: () => tiles[Math.max(0, i - 1)],
        ArrowRight: () => tiles[Math.min(tiles.length - 1, i + 1)],
        ArrowUp: () => (tile ? beside(-1) : tiles[0]),
        ArrowDown: () => (tile ? beside(1) : tiles[0]),
        Home: () => tiles[0],
        End: () => tiles[tiles.length - 1],
      }[event.key];
      if (!next || tiles.length === 0) return;
      event.preventDefault();
      select(next());
    });
    order.addEventListener("change", draw);
    redraws.push(draw);
    choose(maps[0]);
    new ResizeObserver(draw).observe(box);
  };

  const startFolds = () => {
    all(".fold button").forEach(button => button.addEventListener("click", () => {
      all(".scenario > details").forEach(d => { d.open = button.dataset.fold === "open"; });
    }));
    // A link to a folded scenario unfolds it.
    const unfold = () => {
      const target = location.hash && document.getElementById(location.hash.slice(1));
      const details = target && target.querySelector(":scope > details");
      if (details) details.open = true;
    };
    addEventListener("hashchange", unfold);
    unfold();
  };

  const startPrint = () => {
    let folded = [];
    const light = matchMedia("print");
    light.addEventListener("change", redraw);
    addEventListener("beforeprint", () => {
      folded = all(".scenario > details:not([open]), .load:not([open])");
      folded.forEach(d => { d.open = true; });
      redraw();
    });
    addEventListener("afterprint", () => {
      folded.forEach(d => { d.open = false; });
      redraw();
    });
  };

  addEventListener("DOMContentLoaded", () => {
    startTheme();
    all("table.sortable").forEach(startTable);
    all(".legend").forEach(startLegend);
    all("figure.chart").forEach(startChart);
    all(".map").forEach(startMap);
    startFolds();
    startPrint();
  });
})();
