// One style sheet, adopted by the shadow root: works under a policy without any style-src of ours.

export const css = /* css */ `
:host { all: initial; }
* , *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }

.cc {
  --surface: #ffffff; --ground: #f6f7f9; --ink: #131722; --soft: #565e6f; --line: #e3e6ec;
  --theirs: #eceff4; --theirs-ink: #131722; --field: #ffffff; --danger: #b42318; --danger-bg: #fdecea;
  --ok: #12a150; --off: #8b93a3; --accent-text: var(--accent-light); --shade: 15, 23, 42;
  --tint: color-mix(in srgb, var(--accent) 9%, var(--surface));
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans Arabic", "Helvetica Neue", sans-serif;
  color: var(--ink); text-align: start; -webkit-text-size-adjust: 100%;
}
.cc[data-theme="dark"] {
  --surface: #181c26; --ground: #11141c; --ink: #eef1f6; --soft: #a3abbb; --line: #2b3140;
  --theirs: #272d3b; --theirs-ink: #eef1f6; --field: #11141c; --danger: #ff9c92; --danger-bg: #3a1d1c;
  --ok: #35c773; --off: #7b8496; --accent-text: var(--accent-dark); --shade: 0, 0, 0;
  --tint: color-mix(in srgb, var(--accent) 22%, var(--surface));
  color-scheme: dark;
}
.cc[lang="ar"] { line-height: 1.6; }
button, textarea, input { font: inherit; color: inherit; margin: 0; }
button { background: none; border: 0; padding: 0; cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 2.5px solid var(--accent-text); outline-offset: 2px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

/* launcher */
.launcher {
  position: fixed; inset-block-end: 20px; inset-inline-end: 20px; width: 60px; height: 60px; border-radius: 50%;
  display: grid; place-items: center; color: var(--on); background: linear-gradient(150deg, var(--accent), var(--deep));
  box-shadow: 0 1px 2px rgba(var(--shade), .18), 0 8px 28px rgba(var(--shade), .26);
  transition: transform .18s ease, box-shadow .18s ease; z-index: 2;
}
.launcher:hover { transform: translateY(-2px) scale(1.03); box-shadow: 0 2px 4px rgba(var(--shade), .2), 0 12px 34px rgba(var(--shade), .32); }
.launcher:active { transform: scale(.96); }
.launcher:focus-visible { outline-color: var(--accent-text); outline-offset: 3px; }
.launcher svg { grid-area: 1 / 1; transition: transform .22s ease, opacity .16s ease; }
.launcher .icon-down { opacity: 0; transform: rotate(-60deg) scale(.6); }
.cc[data-open] .launcher .icon-chat { opacity: 0; transform: rotate(60deg) scale(.6); }
.cc[data-open] .launcher .icon-down { opacity: 1; transform: none; }
.badge {
  position: absolute; inset-block-start: -3px; inset-inline-end: -3px; min-width: 23px; height: 23px; padding: 0 6px;
  border-radius: 12px; background: #d92d20; color: #fff; font-size: 12.5px; line-height: 19px; font-weight: 700;
  text-align: center; border: 2px solid #fff; animation: pop .25s ease;
}
.cc[data-position="start"] .launcher, .cc[data-position="start"] .panel, .cc[data-position="start"] .teaser {
  inset-inline-end: auto; inset-inline-start: 20px;
}

/* a new message while closed */
.teaser {
  position: fixed; inset-block-end: 94px; inset-inline-end: 20px; width: min(320px, calc(100vw - 40px)); z-index: 2;
  background: var(--surface); border: 1px solid var(--line); border-radius: 16px; display: flex; gap: 11px; padding: 13px 14px;
  box-shadow: 0 2px 6px rgba(var(--shade), .08), 0 12px 36px rgba(var(--shade), .2); animation: rise .25s ease; text-align: start;
}
.teaser-open { display: flex; gap: 11px; flex: 1; min-width: 0; text-align: start; border-radius: 10px; }
.teaser-words { min-width: 0; flex: 1; }
.teaser-name { font-weight: 650; font-size: 13.5px; display: block; }
.teaser-text { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; color: var(--soft); font-size: 14px; }
.teaser .face { align-self: start; margin-block-start: 2px; }
.teaser-close { flex: none; width: 26px; height: 26px; border-radius: 50%; color: var(--soft); display: grid; place-items: center; align-self: start; }
.teaser-close:hover { background: var(--theirs); }

/* panel */
.panel {
  position: fixed; inset-block-end: 94px; inset-inline-end: 20px; width: 392px; max-width: calc(100vw - 40px);
  height: min(680px, calc(100vh - 118px)); height: min(680px, calc(100dvh - 118px)); background: var(--surface); border-radius: 20px; overflow: hidden;
  display: flex; flex-direction: column; z-index: 1;
  box-shadow: 0 0 0 1px rgba(var(--shade), .07), 0 4px 12px rgba(var(--shade), .08), 0 24px 64px rgba(var(--shade), .28);
  animation: rise .24s cubic-bezier(.2, .8, .3, 1); transform-origin: bottom;
}
.cc[data-theme="dark"] .panel, .cc[data-theme="dark"] .teaser { box-shadow: 0 0 0 1px rgba(255, 255, 255, .08), 0 24px 64px rgba(0, 0, 0, .6); }

.head {
  flex: none; display: flex; align-items: center; gap: 12px; padding-block: 16px; padding-inline: 18px 10px;
  color: var(--on); background: linear-gradient(150deg, var(--accent), var(--deep));
}
.avatar {
  position: relative; flex: none; width: 42px; height: 42px; border-radius: 50%; display: grid; place-items: center;
  font-weight: 650; font-size: 15px; letter-spacing: .01em; background: color-mix(in srgb, var(--on) 20%, transparent); color: inherit;
}
.cc[lang="ar"] .avatar { letter-spacing: 0; }
.presence { position: absolute; inset-block-end: -1px; inset-inline-end: -1px; width: 13px; height: 13px; border-radius: 50%; background: var(--off); border: 2.5px solid var(--deep); }
.presence[data-on] { background: #3ddc84; }
.who { flex: 1; min-width: 0; }
.title { margin: 0; font-size: 16.5px; line-height: 1.3; font-weight: 680; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.status { margin: 1px 0 0; font-size: 13px; line-height: 1.4; opacity: .92; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tool + .tool { margin-inline-start: -10px; }
.tool { flex: none; width: 36px; height: 36px; border-radius: 50%; display: grid; place-items: center; opacity: .92; transition: background .15s; }
.tool:hover { background: color-mix(in srgb, var(--on) 16%, transparent); opacity: 1; }
.head :focus-visible { outline-color: var(--on); outline-offset: -1px; }

.banner { flex: none; display: flex; align-items: center; gap: 10px; padding: 9px 18px; font-size: 13.5px; line-height: 1.4; border-block-end: 1px solid var(--line); text-align: start; width: 100%; }
.banner svg { flex: none; }
.banner.link { background: var(--ground); color: var(--soft); }
.banner.link[data-bad] { background: #fff4d6; color: #6b4700; border-color: #f3dfa6; }
.cc[data-theme="dark"] .banner.link[data-bad] { background: #352a10; color: #ffd98a; border-color: #4a3b17; }
.banner.queue { background: var(--tint); gap: 13px; padding-block: 11px; }
.place { flex: none; min-width: 36px; height: 36px; padding: 0 8px; border-radius: 18px; display: grid; place-items: center; font-weight: 720; font-size: 16px; background: var(--accent); color: var(--on); font-variant-numeric: tabular-nums; }
.queue-words strong { display: block; font-weight: 650; }
.queue-words span { color: var(--soft); }

/* list */
.middle { position: relative; flex: 1; min-height: 0; display: flex; }
.scroller { flex: 1; overflow-y: auto; overflow-x: hidden; overscroll-behavior: contain; padding: 18px 16px 10px; scrollbar-width: thin; scrollbar-color: var(--line) transparent; display: flex; flex-direction: column; }
.log { display: flex; flex-direction: column; margin-block-start: auto; }
.hello { margin: 6px 2px 18px; }
.hello h3 { margin: 0 0 4px; font-size: 24px; line-height: 1.25; font-weight: 720; letter-spacing: -.015em; text-wrap: balance; }
.cc[lang="ar"] .hello h3 { letter-spacing: 0; line-height: 1.4; }
.hello p { margin: 0; color: var(--soft); }
.day, .earlier { align-self: center; margin: 14px 0 10px; font-size: 12px; color: var(--soft); padding: 2px 11px; border-radius: 11px; background: var(--ground); }
.log > :first-child.day { margin-block-start: 0; }
.new { display: flex; align-items: center; gap: 12px; margin: 12px 0 8px; font-size: 12px; font-weight: 650; color: var(--accent-text); }
.new::before, .new::after { content: ""; flex: 1; height: 1px; background: color-mix(in srgb, var(--accent-text) 40%, transparent); }
.older { align-self: center; font-size: 12.5px; color: var(--soft); padding: 4px 0 12px; }

.row { display: grid; grid-template-columns: 30px minmax(0, 1fr); column-gap: 9px; max-width: 100%; margin-block-start: 3px; animation: arrive .2s ease; }
.row.first { margin-block-start: 13px; }
.day + .row.first, .new + .row.first, .earlier + .row.first { margin-block-start: 2px; }
.face { grid-column: 1; grid-row: 1; align-self: end; width: 30px; height: 30px; border-radius: 50%; display: grid; place-items: center; font-size: 11.5px; font-weight: 680; background: var(--tint); color: var(--accent-text); }
.body { grid-column: 2; display: flex; flex-direction: column; align-items: flex-start; gap: 4px; min-width: 0; padding-inline-end: 34px; }
.name { font-size: 12.5px; color: var(--soft); margin: 0 4px 1px; }
.bubble { max-width: 100%; padding: 9px 14px; border-radius: 19px; background: var(--theirs); color: var(--theirs-ink); white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.row.theirs:not(.first) .bubble:first-child { border-start-start-radius: 7px; }
.row.theirs:not(.last) .bubble { border-end-start-radius: 7px; }
.bubble a { color: inherit; text-decoration: underline; text-underline-offset: 2px; text-decoration-thickness: 1px; }
.bubble.quiet { font-style: italic; opacity: .8; }
.row.mine { grid-template-columns: minmax(0, 1fr); }
.row.mine .body { grid-column: 1; align-items: flex-end; padding-inline: 46px 0; }
.row.mine .meta { grid-column: 1; justify-content: flex-end; }
.row.mine .bubble { background: var(--accent); color: var(--on); }
.row.mine:not(.first) .bubble:first-child { border-start-end-radius: 7px; }
.row.mine:not(.last) .bubble { border-end-end-radius: 7px; }
.row.failed .bubble { background: var(--danger-bg); color: var(--ink); box-shadow: inset 0 0 0 1px color-mix(in srgb, var(--danger) 45%, transparent); }
.row.system { grid-template-columns: minmax(0, 1fr); }
.row.system .body { grid-column: 1; align-items: center; padding: 0 12px; }
.row.system .bubble { background: none; color: var(--soft); font-size: 13px; text-align: center; padding: 4px 8px; }
.meta { grid-column: 2; margin-block-start: 3px; display: flex; align-items: center; gap: 4px; min-height: 18px; font-size: 12px; line-height: 18px; color: var(--soft); margin-inline: 4px; }
.meta svg { flex: none; }
.meta .sign { display: inline-flex; align-items: center; gap: 3px; }
.meta .is-read { color: var(--accent-text); font-weight: 600; }
.meta .bad { color: var(--danger); display: inline-flex; align-items: center; gap: 4px; }
.meta button { color: var(--accent-text); font-weight: 620; padding: 1px 5px; border-radius: 6px; text-decoration: underline; text-underline-offset: 2px; }
.ended { margin: 18px auto 4px; padding: 9px 16px; border-radius: 12px; background: var(--ground); color: var(--soft); font-size: 13px; text-align: center; text-wrap: balance; }

.picture { display: block; border-radius: 16px; overflow: hidden; max-width: min(100%, 240px); background: var(--theirs); line-height: 0; border: 1px solid var(--line); }
.picture img { display: block; max-width: 100%; max-height: 260px; min-width: 64px; min-height: 48px; object-fit: cover; }
.doc { display: flex; align-items: center; gap: 11px; max-width: 100%; padding-block: 10px; padding-inline: 11px 15px; border-radius: 15px; border: 1px solid var(--line); background: var(--surface); color: var(--ink); text-decoration: none; text-align: start; }
.doc:hover { border-color: color-mix(in srgb, var(--accent-text) 55%, var(--line)); }
.doc .sheet { flex: none; width: 38px; height: 38px; border-radius: 10px; display: grid; place-items: center; background: var(--tint); color: var(--accent-text); }
.doc span { min-width: 0; }
.doc b { display: block; font-weight: 600; font-size: 14px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.doc small { display: block; font-size: 12px; color: var(--soft); }

.typing { display: flex; align-items: center; gap: 9px; margin-block-start: 12px; }
.dots { display: inline-flex; gap: 4px; padding: 13px 15px; border-radius: 19px; background: var(--theirs); }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: dot 1.2s infinite ease-in-out; }
.dots i:nth-child(2) { animation-delay: .16s; }
.dots i:nth-child(3) { animation-delay: .32s; }

.chips { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end; margin: 14px 0 2px; }
.chips.start { justify-content: flex-start; }
.chip { padding: 8px 15px; border-radius: 20px; border: 1.5px solid color-mix(in srgb, var(--accent-text) 55%, transparent); color: var(--accent-text); font-weight: 560; font-size: 14px; line-height: 1.35; background: var(--surface); transition: background .15s; text-align: start; unicode-bidi: plaintext; }
.chip:hover { background: var(--tint); }
.jump { position: absolute; inset-block-end: 10px; inset-inline: 0; margin-inline: auto; width: fit-content; display: flex; align-items: center; gap: 6px; padding: 7px 14px; border-radius: 18px; background: var(--surface); color: var(--accent-text); font-size: 13px; font-weight: 600; box-shadow: 0 0 0 1px var(--line), 0 4px 16px rgba(var(--shade), .18); }

/* composer */
.composer { flex: none; padding: 10px 12px 12px; border-block-start: 1px solid var(--line); background: var(--surface); }
.note { margin: 0 4px 8px; font-size: 13px; color: var(--danger); }
.count { margin: 0 6px 6px; font-size: 12px; color: var(--soft); text-align: end; }
.tray { display: flex; gap: 8px; flex-wrap: wrap; padding: 0 2px 9px; max-height: 170px; overflow-y: auto; }
.upload { position: relative; display: flex; align-items: center; gap: 9px; max-width: 100%; padding-block: 6px; padding-inline: 7px 6px; border-radius: 12px; background: var(--theirs); overflow: hidden; }
.upload .thumb { flex: none; width: 36px; height: 36px; border-radius: 8px; object-fit: cover; background: var(--surface); display: grid; place-items: center; color: var(--accent-text); }
.upload b { font-weight: 560; font-size: 13px; max-width: 150px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.upload progress { position: absolute; inset-inline: 0; inset-block-end: 0; width: 100%; height: 3px; appearance: none; border: 0; background: transparent; }
.upload progress::-webkit-progress-bar { background: transparent; }
.upload progress::-webkit-progress-value { background: var(--accent-text); transition: width .2s; }
.upload progress::-moz-progress-bar { background: var(--accent-text); }
.upload button { flex: none; width: 26px; height: 26px; border-radius: 50%; display: grid; place-items: center; color: var(--soft); }
.upload button:hover { background: color-mix(in srgb, var(--ink) 10%, transparent); }
.field { display: flex; align-items: flex-end; gap: 2px; padding: 4px; border-radius: 24px; border: 1.5px solid var(--line); background: var(--field); transition: border-color .15s, box-shadow .15s; }
.field:focus-within { border-color: var(--accent-text); box-shadow: 0 0 0 3px color-mix(in srgb, var(--accent-text) 18%, transparent); }
.field textarea { flex: 1; min-width: 0; border: 0; background: none; resize: none; padding: 7px 6px; max-height: 132px; line-height: 1.45; scrollbar-width: thin; text-align: start; }
.field textarea::placeholder { color: var(--soft); opacity: 1; }
.field textarea:focus-visible { outline: none; }
.round { flex: none; width: 36px; height: 36px; border-radius: 50%; display: grid; place-items: center; color: var(--soft); transition: background .15s, color .15s, transform .1s; }
.round:hover { background: var(--theirs); color: var(--ink); }
.round.go { background: var(--accent); color: var(--on); }
.round.go:hover { background: var(--deep); }
.round.go:active { transform: scale(.93); }
.round.go[disabled] { background: var(--theirs); color: var(--soft); cursor: default; }
.cc[dir="rtl"] .icon-send { transform: scaleX(-1); }
.form { display: grid; gap: 12px; margin: 0 0 12px; padding: 16px; border: 1px solid var(--line); border-radius: 18px; background: var(--surface); box-shadow: 0 2px 10px rgba(var(--shade), .05); }
.form h3 { margin: 0; font-size: 15.5px; font-weight: 650; }
.form label { display: grid; gap: 3px; font-size: 13px; color: var(--soft); }
.form input { padding: 9px 12px; border-radius: 11px; border: 1.5px solid var(--line); background: var(--field); color: var(--ink); font-size: 15px; }
.form input:focus { border-color: var(--accent-text); outline: none; box-shadow: 0 0 0 3px color-mix(in srgb, var(--accent-text) 18%, transparent); }
.form .wide { padding: 11px; border-radius: 12px; background: var(--accent); color: var(--on); font-weight: 650; }
.form .wide:hover { background: var(--deep); }
.drop { position: absolute; inset: 8px; z-index: 3; border-radius: 16px; border: 2px dashed var(--accent-text); background: color-mix(in srgb, var(--surface) 92%, var(--accent)); color: var(--accent-text); display: grid; place-items: center; font-weight: 650; font-size: 16px; pointer-events: none; }

@keyframes rise { from { opacity: 0; transform: translateY(14px) scale(.98); } }
@keyframes arrive { from { opacity: 0; transform: translateY(6px); } }
@keyframes pop { from { transform: scale(.3); } }
@keyframes dot { 0%, 60%, 100% { opacity: .35; transform: none; } 30% { opacity: 1; transform: translateY(-3px); } }

@media (max-width: 480px), (max-height: 420px) {
  .panel, .cc[data-position="start"] .panel { inset: 0; width: 100%; max-width: none; height: 100vh; height: 100dvh; border-radius: 0; box-shadow: none; }
  .head { padding-block-start: max(14px, env(safe-area-inset-top)); }
  .composer { padding-block-end: max(12px, env(safe-area-inset-bottom)); }
  .field textarea { font-size: 16px; }
  .cc[data-open] .launcher { display: none; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: .01ms !important; animation-iteration-count: 1 !important; transition-duration: .01ms !important; }
}
@media (forced-colors: active) {
  .launcher, .bubble, .chip, .field, .panel { border: 1px solid; }
}
@media print { .cc { display: none; } }
`;
