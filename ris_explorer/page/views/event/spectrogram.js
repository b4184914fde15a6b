// The spectrogram of one component of an event, with axes and units, on a canvas.

import { h } from "../parts/elements.js";
import { number } from "../parts/formats.js";

const LEFT = 44;
const BOTTOM = 34;
const RIGHT = 66;
const TOP = 8;
const HEIGHT = 210;
const BAR = 10;

/** A canvas and its words: `draw(signal, values, shape, place)` draws the component at `place`. */
export function spectrogramCanvas() {
  const canvas = h("canvas", { class: "event-spectrogram", role: "img" });
  const words = h("p", { class: "event-words" });
  let last = null;

  function draw(signal, values, shape, place) {
    last = [signal, values, shape, place];
    const width = canvas.parentElement?.clientWidth || 380;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = HEIGHT * ratio;
    canvas.style.height = `${HEIGHT}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.clearRect(0, 0, width, HEIGHT);
    const box = { x: LEFT, y: TOP, width: width - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
    const { image, frequencyOfMax, timeOfMax } = pixels(signal, values, shape, place);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, box.x, box.y, box.width, box.height);
    const style = getComputedStyle(canvas);
    pen.fillStyle = style.color;
    pen.strokeStyle = style.color;
    pen.font = "11px system-ui, sans-serif";
    axes(pen, box, signal);
    colourBar(pen, box, signal);
    const { letter } = signal.components[place];
    const [low, high] = signal.frequency;
    const about = `Spectrogram of component ${letter}, ${number(low)} to ${number(high)} Hz, ${number(signal.time[1])} s. ` +
      `The greatest power is at ${number(frequencyOfMax)} Hz, ${number(timeOfMax)} s.`;
    canvas.setAttribute("aria-label", about);
    words.textContent = `${about} Colours: decibels below the greatest power (${signal.power_unit})` +
      `${signal.components.length > 1 ? " of all components" : ""}, down to ${-signal.range_db} dB.`;
  }

  return { canvas, words, draw, again: () => last && draw(...last) };
}

function pixels(signal, values, [, rows, columns], place) {
  const image = document.createElement("canvas");
  image.width = columns;
  image.height = rows;
  const data = new ImageData(columns, rows);
  const levels = signal.colours.length - 1;
  const start = place * rows * columns;
  let best = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const index = row * columns + column;
      const value = values[start + index];
      if (value > values[start + best]) best = index;
      const colour = signal.colours[Math.round((value / signal.range_db + 1) * levels)] ?? signal.colours[0];
      const to = ((rows - 1 - row) * columns + column) * 4;
      data.data.set([...colour, 255], to);
    }
  }
  image.getContext("2d").putImageData(data, 0, 0);
  const at = ([first, last], share) => first + (last - first) * share;
  return {
    image,
    frequencyOfMax: at(signal.frequency, Math.floor(best / columns) / Math.max(1, rows - 1)),
    timeOfMax: at(signal.time, (best % columns) / Math.max(1, columns - 1)),
  };
}

function axes(pen, box, signal) {
  const [low, high] = signal.frequency;
  const [first, last] = signal.time;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of ticks(low, high, 5)) {
    const y = box.y + box.height * (1 - (value - low) / (high - low));
    pen.fillRect(box.x - 4, y, 4, 1);
    pen.fillText(String(value), box.x - 6, y);
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const value of ticks(first, last, 6)) {
    const x = box.x + (box.width * (value - first)) / (last - first);
    pen.fillRect(x, box.y + box.height, 1, 4);
    pen.fillText(String(value), x, box.y + box.height + 6);
  }
  pen.fillText("time from the first column (s)", box.x + box.width / 2, box.y + box.height + 20);
  pen.save();
  pen.translate(2, box.y + box.height / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText("frequency (Hz)", 0, 0);
  pen.restore();
}

function colourBar(pen, box, signal) {
  const x = box.x + box.width + 8;
  const step = box.height / signal.colours.length;
  for (const [index, colour] of signal.colours.entries()) {
    pen.fillStyle = `rgb(${colour.join(" ")})`;
    pen.fillRect(x, box.y + box.height - (index + 1) * step, BAR, step + 1);
  }
  pen.fillStyle = pen.strokeStyle;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText("0 dB", x + BAR + 4, box.y + 5);
  pen.fillText(`−${signal.range_db} dB`, x + BAR + 4, box.y + box.height - 5);
}

/** Round values within an interval, evenly spaced. */
function ticks(low, high, most) {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw);
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) found.push(Number(value.toPrecision(6)));
  return found;
}
