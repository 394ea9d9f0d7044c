// A site picks one colour; what is written in it and on it must stay readable (WCAG AA, 4.5 : 1).

export type Rgb = readonly [number, number, number];

export function parse(hex: string): Rgb {
  const value = /^#([0-9a-f]{6})$/i.exec(hex)?.[1] ?? "2457d6";
  return [0, 2, 4].map((at) => parseInt(value.slice(at, at + 2), 16)) as unknown as Rgb;
}

export function format(rgb: Rgb): string {
  return `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((at) => from[at]! + (to[at]! - from[at]!) * share) as unknown as Rgb;
}

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** `color`, moved towards black or white until it can be read on `ground`. */
export function readableOn(color: Rgb, ground: Rgb, wanted = 4.5): Rgb {
  const target = luminance(ground) > 0.18 ? BLACK : WHITE;
  for (let share = 0; share < 1; share += 0.05) {
    const tried = mix(color, target, share);
    if (contrast(tried, ground) >= wanted) return tried;
  }
  return target;
}

export interface Palette {
  accent: string;
  /** The lower end of the header's gradient. */
  deep: string;
  /** Text on the accent. */
  on: string;
  /** The accent as text on light, and on dark. */
  light: string;
  dark: string;
}

export function palette(hex: string): Palette {
  const color = parse(hex);
  // White on a middling colour looks right to everybody; the colour gives way a little before the text turns black.
  const accent = contrast(color, WHITE) >= 3 ? readableOn(color, WHITE) : color;
  const on = contrast(accent, WHITE) >= 4.5 ? WHITE : ([17, 24, 39] as const);
  return {
    accent: format(accent),
    deep: format(on === WHITE ? mix(accent, BLACK, 0.18) : mix(accent, WHITE, 0.12)),
    on: format(on),
    light: format(readableOn(color, WHITE)),
    dark: format(readableOn(color, [24, 28, 38], 5)),
  };
}
