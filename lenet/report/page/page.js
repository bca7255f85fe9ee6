// Fills the page from its data: curves, pictures of mistakes, the drawing pad. Tables are there without it.
'use strict';

const PAD = 280;  // pixels of the drawing pad's side
const STROKE = 22;  // about 1.6 of the 20 pixels that a digit gets, as in MNIST
const INK = '#000';
const PAPER = '#fff';

const data = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);

function percent(p) {
  return (100 * p).toFixed(2) + ' %';
}

function make(parent, tag, className, text) {
  const element = parent.appendChild(document.createElement(tag));
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function showCurves() {
  for (const chart of data.charts) drawCurves(byId('curves'), chart);
}

function showLedgers() {
  data.runs.forEach((run, i) => {
    if (run.ledger.length) drawLedger(byId(`ledger-${i}`), run.ledger);
  });
}

function showKernels() {
  data.runs.forEach((run, i) => {
    if (!run.network) return;
    const kernels = decodeFloats(run.network.weights['layer_1/weights']);
    const count = run.network.kernels;
    for (let k = 0; k < count; k++) {
      const canvas = make(byId(`kernels-${i}`), 'canvas', 'kernel');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', `kernel ${k}`);
      drawMap(canvas, KERNEL, Array.from({length: KERNEL * KERNEL}, (_, at) => kernels[at * count + k]));
    }
  });
}

function showExample(parent, example) {
  const card = make(parent, 'figure', 'example');
  if (example.image) {
    const greys = decodeBytes(example.image);
    const canvas = drawGreys(make(card, 'canvas', 'digit'), SIDE, (i) => greys[i]);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `test image ${example.index}, a ${example.label}`);
  }
  const caption = make(card, 'figcaption');
  make(caption, 'strong', '', `${example.label} → ${example.class}`);
  make(caption, 'span', '', `#${example.index}`);
  const order = example.probabilities.map((p, c) => [p, c]).sort((a, b) => b[0] - a[0]).slice(0, 3);
  for (const [p, c] of order) make(caption, 'span', '', `${c}: ${percent(p)}`);
}

function showMistakes() {
  data.runs.forEach((run, i) => {
    const place = byId(`mistakes-${i}`);
    if (!place) return;
    for (const example of run.mistakes.slice(0, 12)) showExample(place, example);
  });
}

// A click on a cell of the confusion matrix, or Enter on its button.
function showCell(run, place, label, predicted) {
  place.replaceChildren();
  const examples = run.mistakes.concat(run.least_sure).filter((e) => e.label === label && e.class === predicted);
  const count = run.confusion[label][predicted];
  const least = label === predicted ? '(the least sure) ' : '';
  const shown = examples.length < count ? `, ${examples.length} of them ${least}here` : '';
  make(place, 'p', '', `${count} test images of ${label} answered as ${predicted}${shown}`);
  const cards = make(place, 'div', 'examples');
  for (const example of examples) showExample(cards, example);
}

function watchConfusion() {
  data.runs.forEach((run, i) => {
    const table = byId(`confusion-${i}`);
    if (!table) return;
    table.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) showCell(run, byId(`cell-${i}`), Number(button.dataset.label), Number(button.dataset.predicted));
    });
  });
}

// Where on the pad a pointer is, whatever size the page gives it.
function positionOn(pad, event) {
  const box = pad.getBoundingClientRect();
  return [(event.clientX - box.left) * PAD / box.width, (event.clientY - box.top) * PAD / box.height];
}

function darknessOf(pad) {
  const pixels = pad.getContext('2d').getImageData(0, 0, PAD, PAD).data;
  return {width: PAD, height: PAD, values: Float32Array.from({length: PAD * PAD}, (_, i) => 255 - pixels[4 * i])};
}

function clearPad(pad) {
  const context = pad.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, PAD, PAD);
}

function watchPointer(pad, answer) {
  const context = pad.getContext('2d');
  let last = null;
  const draw = (event) => {
    if (!last) return;
    const here = positionOn(pad, event);
    Object.assign(context, {lineWidth: STROKE, lineCap: 'round', lineJoin: 'round', strokeStyle: INK});
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...here);
    context.stroke();
    last = here;
    answer();
  };
  pad.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    event.preventDefault();
    pad.setPointerCapture(event.pointerId);
    last = positionOn(pad, event);
    draw(event);
  });
  pad.addEventListener('pointermove', draw);
  for (const end of ['pointerup', 'pointercancel']) pad.addEventListener(end, () => { last = null; });
}

function showAnswer(answer, greys) {
  drawGreys(byId('seen'), SIDE, (i) => (greys ? greys[i] : 0));
  const best = answer ? answer.probabilities.indexOf(Math.max(...answer.probabilities)) : null;
  byId('answer').textContent = answer ? `It is ${best} (${percent(answer.probabilities[best])})` :
    'Draw here with mouse, pen or finger';
  const bars = byId('bars');
  bars.replaceChildren();
  if (answer) answer.probabilities.map((p, c) => [p, c]).sort((a, b) => b[0] - a[0]).slice(0, 10).forEach(([p, c]) => {
    const row = make(bars, 'tr', c === best ? 'best' : '');
    make(row, 'th', '', String(c)).scope = 'row';
    const meter = make(make(row, 'td'), 'meter');
    meter.value = p;
    meter.setAttribute('aria-label', `class ${c}`);
    make(row, 'td', 'number', percent(p));
  });
  byId('layers').replaceChildren();
  if (answer) answer.maps.forEach(showLayer);
}

function showLayer(layer, number) {
  const row = make(byId('layers'), 'div', 'maps');
  row.setAttribute('role', 'img');
  row.setAttribute('aria-label', `the ${layer.channels} feature maps of layer ${number + 1}`);
  for (let k = 0; k < layer.channels; k++) {
    const values = Array.from({length: layer.side * layer.side}, (_, at) => layer.values[at * layer.channels + k]);
    drawMap(make(row, 'canvas', 'map'), layer.side, values);
  }
}

function savePad(pad) {
  const link = document.createElement('a');
  link.href = pad.toDataURL('image/png');
  link.download = 'digit.png';
  link.click();
}

function openPad() {
  const networks = data.runs.map((run) => run.network && openNetwork(run.network));
  const pad = byId('pad');
  const choice = byId('which');
  let waiting = false;
  const answer = () => {
    waiting = false;
    const greys = toMnistForm(darknessOf(pad));
    showAnswer(greys && networks[choice ? Number(choice.value) : networks.findIndex(Boolean)](greys), greys);
  };
  const answerSoon = () => {
    if (!waiting) requestAnimationFrame(answer);
    waiting = true;
  };
  const clear = () => {
    clearPad(pad);
    answer();
  };
  watchPointer(pad, answerSoon);
  byId('clear').addEventListener('click', clear);
  byId('save').addEventListener('click', () => savePad(pad));
  if (choice) choice.addEventListener('change', answer);
  clear();
}

showCurves();
showLedgers();
showKernels();
showMistakes();
watchConfusion();
if (byId('pad')) openPad();
for (const element of document.querySelectorAll('.needs-script')) element.hidden = false;
