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

/** `color`, lighter but no paler, until it can be read on a dark `ground`: mixed with white it would turn grey. */
export function glowingOn(color: Rgb, ground: Rgb, wanted: number): Rgb {
  const [r, g, b] = color.map((part) => part / 255) as unknown as Rgb;
  const [high, low] = [Math.max(r, g, b), Math.min(r, g, b)];
  const spread = high - low;
  if (!spread) return readableOn(color, ground, wanted);
  const start = (high + low) / 2;
  const saturation = Math.min(0.75, spread / (1 - Math.abs(2 * start - 1)));
  const hue = high === r ? ((g - b) / spread + 6) % 6 : high === g ? (b - r) / spread + 2 : (r - g) / spread + 4;
  for (let light = start; light < 1; light += 0.02) {
    const chroma = (1 - Math.abs(2 * light - 1)) * saturation;
    const tried = [0, 8, 4].map((at) => {
      const place = (at + hue * 2) % 12;
      return (light - (chroma / 2) * Math.max(-1, Math.min(place - 3, 9 - place, 1))) * 255;
    }) as unknown as Rgb;
    if (contrast(tried, ground) >= wanted) return tried;
  }
  return WHITE;
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
    dark: format(glowingOn(color, [24, 28, 38], 6)),
  };
}
