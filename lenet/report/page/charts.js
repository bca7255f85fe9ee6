// Curves and bars as SVG. Colours come from classes (page.css), so that they follow light, dark and paper.
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 480;
const HEIGHT = 200;
const MARGIN = {left: 56, right: 12, top: 10, bottom: 34};

function svg(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

// Round numbers from low to high, about `count` of them.
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) * power;
  const result = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) result.push(i * step);
  return result;
}

function shortNumber(x) {
  if (x === 0) return '0';
  if (Math.abs(x) >= 1e6 || Math.abs(x) < 1e-3) return x.toExponential(1).replace('.0e', 'e');
  return String(Number(x.toPrecision(6)));
}

function boundsOf(values, isLog) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (low === high) {
    [low, high] = isLog ? [low / 2, high * 2] : [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  }
  return [low, high];
}

// A function from values to pixels; logarithmic where asked and possible.
function scaleOf(values, from, to, isLog) {
  const [low, high] = boundsOf(values, isLog);
  const f = isLog ? Math.log10 : (x) => x;
  const scale = (x) => from + (f(x) - f(low)) / (f(high) - f(low)) * (to - from);
  scale.ticks = isLog ? logTicks(low, high) : ticks(low, high, 4);
  return scale;
}

function logTicks(low, high) {
  const all = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++) all.push(Math.pow(10, p));
  const inside = all.filter((x) => x >= low * 0.999 && x <= high * 1.001);
  return inside.length > 1 ? inside : ticks(low, high, 3).filter((x) => x > 0);
}

function drawAxes(root, x, y, chart) {
  for (const tick of y.ticks) {
    svg(root, 'line', {class: 'grid', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(tick), y2: y(tick)});
    svg(root, 'text', {class: 'tick', x: MARGIN.left - 6, y: y(tick) + 4, 'text-anchor': 'end'}, shortNumber(tick));
  }
  for (const tick of x.ticks) {
    svg(root, 'text', {class: 'tick', x: x(tick), y: HEIGHT - MARGIN.bottom + 16, 'text-anchor': 'middle'},
      shortNumber(tick));
  }
  svg(root, 'text', {class: 'tick', x: WIDTH - MARGIN.right, y: HEIGHT - 2, 'text-anchor': 'end'}, chart.x || 'step');
}

// chart: {title, log, lines: [{run, points: [[step, value], …]}]}; run is the line's number, and its colour's.
function drawCurves(parent, chart) {
  const isFinite = (point) => Number.isFinite(point[1]) && (!chart.log || point[1] > 0);
  const lines = chart.lines.map((line) => ({...line, points: line.points.filter(isFinite)}));
  const points = lines.flatMap((line) => line.points);
  if (!points.length) return;
  const figure = parent.appendChild(document.createElement('figure'));
  figure.appendChild(document.createElement('figcaption')).textContent = chart.title;
  const root = svg(figure, 'svg',
    {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': describe(chart, lines)});
  const x = scaleOf([0, ...points.map((point) => point[0])], MARGIN.left, WIDTH - MARGIN.right, false);
  const y = scaleOf(points.map((point) => point[1]), HEIGHT - MARGIN.bottom, MARGIN.top, chart.log);
  drawAxes(root, x, y, chart);
  for (const line of lines) {
    const path = line.points.map((p) => `${x(p[0]).toFixed(1)},${y(p[1]).toFixed(1)}`).join(' ');
    svg(root, 'polyline', {class: `curve run-${line.run % 6}`, points: path});
    if (line.points.length < 30) {
      for (const p of line.points) {
        const dot = svg(root, 'circle', {class: `dot run-${line.run % 6}`, cx: x(p[0]), cy: y(p[1]), r: 3});
        svg(dot, 'title', {}, `step ${p[0]}: ${shortNumber(p[1])}`);
      }
    }
  }
}

function describe(chart, lines) {
  const ends = lines.filter((line) => line.points.length).map((line) => {
    const [first, last] = [line.points[0], line.points[line.points.length - 1]];
    return `${shortNumber(first[1])} at step ${first[0]} to ${shortNumber(last[1])} at step ${last[0]}`;
  });
  return `${chart.title}: ${ends.join('; ')}`;
}

// parts: [[name, seconds], …], as one bar.
function drawLedger(parent, parts) {
  const total = parts.reduce((sum, part) => sum + part[1], 0);
  const label = parts.map((part) => `${part[0]} ${part[1].toFixed(2)} s`).join(', ');
  const root = svg(parent, 'svg', {viewBox: '0 0 1000 36', class: 'ledger', role: 'img', 'aria-label': label,
                                   preserveAspectRatio: 'none'});
  let at = 0;
  parts.forEach(([name, seconds], i) => {
    const width = 1000 * seconds / total;
    const bar = svg(root, 'rect', {class: `part part-${i % 10}`, x: at, y: 0, width, height: 36});
    svg(bar, 'title', {}, `${name}: ${seconds.toFixed(2)} s, ${(100 * seconds / total).toFixed(1)} %`);
    at += width;
  });
}

// Grey levels in a canvas of their own size; page.css enlarges it.
function drawGreys(canvas, side, greyAt) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext('2d');
  const image = context.createImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const grey = greyAt(i);
    image.data.set([grey, grey, grey, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// From the least to the greatest value, black to white.
function drawMap(canvas, side, values) {
  const low = Math.min(...values);
  const spread = Math.max(...values) - low || 1;
  return drawGreys(canvas, side, (i) => 255 * (values[i] - low) / spread);
}
