// The trained network: what lenet/graph/model.py computes, image by image. Arrays are Float32Array, in TensorFlow's
// order: maps [height, width, channels], kernels [5, 5, in, out], matrices [in, out].
'use strict';

const KERNEL = 5;

const ACTIVATE = {
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  relu: (x) => Math.max(x, 0),
};

function decodeFloats(base64) {
  const bytes = decodeBytes(base64);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({length: bytes.length / 4}, (_, i) => view.getFloat32(4 * i, true));
}

function decodeBytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

// A 5x5 SAME convolution: [side, side, inputs] -> [side, side, outputs], without its bias.
function convolve(maps, side, inputs, kernel, outputs) {
  const result = new Float32Array(side * side * outputs);
  const sums = new Float64Array(outputs);
  const reach = (KERNEL - 1) / 2;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      sums.fill(0);
      for (let dy = Math.max(0, reach - y); dy < Math.min(KERNEL, side + reach - y); dy++) {
        for (let dx = Math.max(0, reach - x); dx < Math.min(KERNEL, side + reach - x); dx++) {
          const from = ((y + dy - reach) * side + x + dx - reach) * inputs;
          for (let i = 0; i < inputs; i++) {
            const value = maps[from + i];
            if (value === 0) continue;  // most of an image is black
            const row = ((dy * KERNEL + dx) * inputs + i) * outputs;
            for (let o = 0; o < outputs; o++) sums[o] += value * kernel[row + o];
          }
        }
      }
      result.set(sums, (y * side + x) * outputs);
    }
  }
  return result;
}

// The maximum of 2x2, the bias, the activation: [side, side, n] -> [side / 2, side / 2, n].
function poolAndActivate(maps, side, bias, activation) {
  const half = side / 2;
  const n = bias.length;
  const result = new Float32Array(half * half * n);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      for (let i = 0; i < n; i++) {
        const at = (2 * y * side + 2 * x) * n + i;
        const most = Math.max(maps[at], maps[at + n], maps[at + side * n], maps[at + (side + 1) * n]);
        result[(y * half + x) * n + i] = ACTIVATE[activation](Math.fround(most + bias[i]));
      }
    }
  }
  return result;
}

function multiply(vector, matrix, bias) {
  const sums = new Float64Array(bias.length);
  for (let i = 0; i < vector.length; i++) {
    for (let o = 0; o < sums.length; o++) sums[o] += vector[i] * matrix[i * sums.length + o];
  }
  return Float32Array.from(sums, (sum, o) => sum + bias[o]);
}

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

// network: {activation, darkOnLight, weights: {name: base64 of little-endian float32}} as the page's data hold it.
// Returns a function of 784 grey levels (0 ground, 255 ink, as MNIST's), row by row, that gives
// {maps: [the pooled maps of both layers, each {side, channels, values}], logits, probabilities}.
function openNetwork(network) {
  const w = {};
  for (const name of Object.keys(network.weights)) w[name] = decodeFloats(network.weights[name]);
  const layer = (name, maps, side, inputs) => {
    const outputs = w[name + '/bias'].length;
    const convolved = convolve(maps, side, inputs, w[name + '/weights'], outputs);
    return {side: side / 2, channels: outputs,
            values: poolAndActivate(convolved, side, w[name + '/bias'], network.activation)};
  };
  const dense = (name, vector) => multiply(vector, w[name + '/weight'], w[name + '/bias']);
  const activate = (vector) => vector.map(ACTIVATE[network.activation]);
  return (greys) => {
    const image = Float32Array.from(greys, (grey) => Math.fround((network.darkOnLight ? 255 - grey : grey) / 255));
    const first = layer('layer_1', image, 28, 1);
    const second = layer('layer_2', first.values, 14, first.channels);
    const hidden = activate(dense('fc_2', activate(dense('fc_1', second.values))));
    const logits = dense('fc_3', hidden);
    return {maps: [first, second], logits: Array.from(logits), probabilities: softmax(logits)};
  };
}
