// Two soft notes, made here: no file to fetch, nothing a page's policy could forbid.

let context: AudioContext | null = null;

export function chime(): void {
  try {
    context ??= new AudioContext();
    const now = context.currentTime;
    for (const [pitch, at] of [
      [660, 0],
      [880, 0.12],
    ] as const) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.type = "sine";
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, now + at);
      volume.gain.linearRampToValueAtTime(0.08, now + at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, now + at + 0.35);
      tone.connect(volume).connect(context.destination);
      tone.start(now + at);
      tone.stop(now + at + 0.4);
    }
  } catch {
    // browsers stay silent until the page was clicked once
  }
}
