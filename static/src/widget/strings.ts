// The widget lives on other people's pages, so it carries its words itself.

import type { Language } from "./protocol";

const en = {
  open: "Open chat",
  openUnread: "Open chat, {n} unread",
  close: "Close chat",
  chat: "Chat",
  online: "Online",
  away: "Away right now",
  withAgent: "{name} is with you",
  assistant: "Automatic assistant",
  waiting: "Waiting for an agent",
  greeting: "How can we help?",
  onlineNow: "We are here. Ask us anything.",
  awayLong: "Nobody is available right now. Leave us a message and you will find our answer here.",
  write: "Write a message…",
  message: "Message",
  send: "Send",
  attach: "Add a file",
  drop: "Drop files here",
  remove: "Remove {name}",
  uploading: "Uploading {name}",
  today: "Today",
  yesterday: "Yesterday",
  newMessages: "New messages",
  earlier: "Earlier conversation",
  ended: "This conversation has ended. Write to start a new one.",
  jump: "Newest messages",
  older: "Loading earlier messages…",
  typing: "{name} is typing",
  someone: "Someone",
  you: "You",
  sending: "Sending",
  sent: "Sent",
  delivered: "Delivered",
  read: "Read",
  failed: "Not sent",
  retry: "Try again",
  discard: "Delete",
  tooLong: "Too long: at most {n} characters.",
  blocked: "Too many new chats from your network. Try again in an hour.",
  chatClosed: "This chat is closed.",
  badFile: "The file is no longer there. Add it again.",
  fileTooBig: "{name} is too big. At most {size}.",
  fileEmpty: "{name} is empty.",
  fileFailed: "{name} could not be uploaded.",
  fileMany: "At most {n} files in one message.",
  left: "{n} characters left",
  offline: "No connection. What you write is kept and sent when you are back.",
  connecting: "Connecting…",
  reconnecting: "Connecting again…",
  stopped: "The chat is not available on this page.",
  replaced: "The chat is open in another tab. Click here to go on in this one.",
  queueNumber: "You are number {n}",
  queueNext: "You are next",
  queueAhead: "{n} ahead of you. You can keep writing.",
  queueSoon: "An agent will be with you in a moment.",
  queueWait: "About {n} min to wait. You can keep writing.",
  muted: "Sound is off. Turn it on",
  unmuted: "Sound is on. Turn it off",
  file: "File",
  picture: "Picture",
  openFile: "Open {name}",
  unsupported: "This message cannot be shown here.",
  yourName: "Your name",
  yourEmail: "E-mail address",
  start: "Start chat",
  prechat: "Before we start",
  dismiss: "Dismiss",
  answers: "Suggested answers",
} as const;

export type Key = keyof typeof en;

const ar: Record<Key, string> = {
  open: "افتح المحادثة",
  openUnread: "افتح المحادثة، غير المقروء: {n}",
  close: "أغلق المحادثة",
  chat: "محادثة",
  online: "متصلون الآن",
  away: "غير متاحين حاليًا",
  withAgent: "{name} معك الآن",
  assistant: "المساعد الآلي",
  waiting: "في انتظار أحد الموظفين",
  greeting: "كيف يمكننا مساعدتك؟",
  onlineNow: "نحن هنا. اسألنا عن أي شيء.",
  awayLong: "لا أحد متاح الآن. اترك لنا رسالة: ستصلنا فور عودتنا وستجد ردّنا هنا.",
  write: "اكتب رسالة…",
  message: "الرسالة",
  send: "إرسال",
  attach: "أضف ملفًا",
  drop: "أفلت الملفات هنا",
  remove: "إزالة {name}",
  uploading: "جارٍ رفع {name}",
  today: "اليوم",
  yesterday: "أمس",
  newMessages: "رسائل جديدة",
  earlier: "محادثة سابقة",
  ended: "انتهت هذه المحادثة. اكتب لبدء محادثة جديدة.",
  jump: "أحدث الرسائل",
  older: "جارٍ تحميل الرسائل السابقة…",
  typing: "{name} يكتب الآن",
  someone: "أحدهم",
  you: "أنت",
  sending: "قيد الإرسال",
  sent: "أُرسلت",
  delivered: "وصلت",
  read: "قُرئت",
  failed: "لم تُرسل",
  retry: "حاول مرة أخرى",
  discard: "حذف",
  tooLong: "النص طويل: الحد الأقصى {n} حرف.",
  blocked: "محادثات جديدة كثيرة من شبكتك. حاول بعد ساعة.",
  chatClosed: "هذه المحادثة مغلقة.",
  badFile: "لم يعد الملف موجودًا. أضفه من جديد.",
  fileTooBig: "حجم {name} كبير. الحد الأقصى {size}.",
  fileEmpty: "{name} فارغ.",
  fileFailed: "تعذّر رفع {name}.",
  fileMany: "الحد الأقصى {n} ملفات في الرسالة.",
  left: "بقي {n} حرفًا",
  offline: "لا يوجد اتصال. نحفظ ما تكتبه ونرسله عند عودة الاتصال.",
  connecting: "جارٍ الاتصال…",
  reconnecting: "جارٍ إعادة الاتصال…",
  stopped: "المحادثة غير متاحة في هذه الصفحة.",
  replaced: "المحادثة مفتوحة في تبويب آخر. انقر هنا للمتابعة في هذا التبويب.",
  queueNumber: "رقمك في الانتظار {n}",
  queueNext: "أنت التالي",
  queueAhead: "قبلك {n}. يمكنك مواصلة الكتابة.",
  queueSoon: "سيكون معك أحد الموظفين بعد لحظات.",
  queueWait: "الانتظار نحو {n} دقيقة. يمكنك مواصلة الكتابة.",
  muted: "الصوت متوقف. شغّله",
  unmuted: "الصوت يعمل. أوقفه",
  file: "ملف",
  picture: "صورة",
  openFile: "افتح {name}",
  unsupported: "لا يمكن عرض هذه الرسالة هنا.",
  yourName: "اسمك",
  yourEmail: "البريد الإلكتروني",
  start: "ابدأ المحادثة",
  prechat: "قبل أن نبدأ",
  dismiss: "إخفاء",
  answers: "ردود مقترحة",
};

const words: Record<Language, Record<Key, string>> = { en, ar };

export function pickLanguage(...wishes: (string | null | undefined)[]): Language {
  for (const wish of wishes) {
    const language = wish?.toLowerCase().split("-")[0];
    if (language === "ar" || language === "en") return language;
  }
  return "en";
}

export class Words {
  readonly rtl: boolean;
  private readonly numbers: Intl.NumberFormat;
  private readonly clock: Intl.DateTimeFormat;
  private readonly days: Intl.DateTimeFormat;

  constructor(readonly language: Language) {
    this.rtl = language === "ar";
    this.numbers = new Intl.NumberFormat(language);
    this.clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
    this.days = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
  }

  say(key: Key, values: Record<string, string | number> = {}): string {
    return words[this.language][key].replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      return typeof value === "number" ? this.numbers.format(value) : (value ?? "");
    });
  }

  time(at: number): string {
    return this.clock.format(at);
  }

  day(at: number, now: number): string {
    const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
    return days === 0 ? this.say("today") : days === 1 ? this.say("yesterday") : this.days.format(at);
  }

  size(bytes: number): string {
    const [value, unit] =
      bytes < 1024 * 1024 ? [Math.max(1, Math.round(bytes / 1024)), "kilobyte"] : [bytes / 1024 / 1024, "megabyte"];
    return new Intl.NumberFormat(this.language, {
      style: "unit",
      unit: unit as string,
      maximumFractionDigits: 1,
    }).format(value as number);
  }
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
