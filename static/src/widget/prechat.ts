// Name and e-mail before the chat, where the site asks for them. Claims, as the server knows.

import { h } from "./dom";
import type { User } from "./protocol";
import type { Words } from "./strings";

export function prechatForm(asked: string[], words: Words, onDone: (claims: User) => void): HTMLFormElement {
  const name = h("input", { name: "name", autocomplete: "name", required: true, maxlength: "120", dir: "auto" });
  const email = h("input", { name: "email", type: "email", autocomplete: "email", required: true, maxlength: "254" });
  const form = h(
    "form",
    { class: "form", hidden: true },
    h("h3", {}, words.say("prechat")),
    asked.includes("name") && h("label", {}, words.say("yourName"), name),
    asked.includes("email") && h("label", {}, words.say("yourEmail"), email),
    h("button", { class: "wide", type: "submit" }, words.say("start")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const claims: User = {};
    if (asked.includes("name")) claims.name = name.value.trim();
    if (asked.includes("email")) claims.email = email.value.trim();
    onDone(claims);
  });
  return form;
}
