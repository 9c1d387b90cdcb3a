/** Saves a figure's picture as SVG or PNG, with its caption and source written below it. */
import { saveFile } from '../lib/save-file.ts';

/** Presentation that style sheets give and a file of its own would lose, and what it is where nobody gives it. */
const initial: Readonly<Record<string, string>> = {
  fill: 'rgb(0, 0, 0)',
  'fill-opacity': '1',
  stroke: 'none',
  'stroke-width': '1px',
  'stroke-opacity': '1',
  'stroke-dasharray': 'none',
  'paint-order': 'normal',
  'stroke-linecap': 'butt',
  'stroke-linejoin': 'miter',
  opacity: '1',
};
const ofText = ['font-family', 'font-size', 'font-weight'] as const;

const SPACE = 'http://www.w3.org/2000/svg';
/** Of the caption: size of its text, and from line to line, in units of the chart's box. */
const TEXT = 11;
const LINE = 15;
/** PNG pixels for each unit of the chart's box. */
const SCALE = 3;

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest<HTMLButtonElement>('button[data-take]') : null;
  const figure = button?.closest('figure');
  const picture = figure?.querySelector<SVGSVGElement>('svg.chart:not([hidden])');
  if (!button || !figure || !picture) return;
  const svg = withCaption(picture, figure);
  const name = figure.dataset.name ?? 'figure';
  if (button.dataset.take === 'svg') saveFile(new Blob([svg.text], { type: 'image/svg+xml' }), `${name}.svg`);
  else
    void toPng(svg).then(
      (blob) => saveFile(blob, `${name}.png`),
      () => {
        button.textContent = 'failed';
      },
    );
});

interface Picture {
  text: string;
  width: number;
  height: number;
}

/** The picture as a file of its own, on the page's ground. */
function withCaption(picture: SVGSVGElement, figure: HTMLElement): Picture {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  copy.querySelector('.crosshair')?.remove();
  const originals = [...picture.querySelectorAll('*:not(.crosshair, .crosshair *)')];
  for (const [i, element] of [...copy.querySelectorAll('*')].entries()) {
    const style = getComputedStyle(originals[i]!);
    if (/^(?:title|desc|g)$/.test(element.localName)) {
      element.removeAttribute('class');
      continue;
    }
    for (const [property, usual] of Object.entries(initial)) {
      const value = style.getPropertyValue(property);
      if (value !== '' && value !== usual) element.setAttribute(property, value);
    }
    if (element.localName === 'text')
      for (const property of ofText) element.setAttribute(property, style.getPropertyValue(property));
    element.removeAttribute('class');
  }
  copy.removeAttribute('class');
  const { width, height: drawn, x, y } = picture.viewBox.baseVal;
  const height = drawn + addKey(copy, x, y + drawn);
  const caption = picture.querySelector('title')?.textContent ?? '';
  const key = [...(figure.querySelectorAll('figcaption .sub') ?? [])].map((each) => each.textContent ?? '');
  const lines = [caption, ...key, figure.dataset.source ?? ''].flatMap((text) => wrapped(text, width));
  const whole = height + LINE * lines.length + LINE;
  const ground = document.createElementNS(SPACE, 'rect');
  for (const [name, value] of Object.entries({ x, y, width, height: whole }))
    ground.setAttribute(name, String(value));
  ground.setAttribute('fill', getComputedStyle(document.documentElement).backgroundColor);
  copy.prepend(ground);
  for (const [i, text] of lines.entries()) {
    const line = document.createElementNS(SPACE, 'text');
    line.textContent = text;
    const place = writing(x + 4, y + height + LINE * (i + 1));
    for (const [name, value] of Object.entries(place)) line.setAttribute(name, value);
    copy.append(line);
  }
  copy.setAttribute('xmlns', SPACE);
  copy.setAttribute('viewBox', `${x} ${y} ${width} ${whole}`);
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(whole));
  return { text: new XMLSerializer().serializeToString(copy), width, height: whole };
}

/** Series that a key of the page names: their markers and names, a line each. Returns its height. */
function addKey(copy: SVGSVGElement, x: number, top: number): number {
  const named = [...copy.querySelectorAll<SVGElement>('[data-label]')];
  for (const [i, series] of named.entries()) {
    const y = top + LINE * (i + 1);
    const marker = series.querySelector('[transform]')?.cloneNode() as SVGElement | undefined;
    marker?.setAttribute('transform', `translate(${x + 10} ${y - 4})`);
    const words = document.createElementNS(SPACE, 'text');
    words.textContent = series.dataset.label ?? '';
    for (const [name, value] of Object.entries(writing(x + 20, y))) words.setAttribute(name, value);
    copy.append(...(marker ? [marker] : []), words);
  }
  return LINE * named.length;
}

/** How a line below the picture is set. */
function writing(x: number, y: number): Record<string, string> {
  const { color, fontFamily } = getComputedStyle(document.documentElement);
  return { x: String(x), y: String(y), fill: color, 'font-size': String(TEXT), 'font-family': fontFamily };
}

/** Lines of words that fit the width. */
function wrapped(text: string, width: number): string[] {
  const most = Math.floor(width / (TEXT * 0.54));
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 1 <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

async function toPng({ text, width, height }: Picture): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * SCALE);
  canvas.height = Math.round(height * SCALE);
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png');
  });
}
