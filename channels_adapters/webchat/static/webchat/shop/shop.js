// The shop's own few lines. The chat needs none of them: it is the other script tag.
"use strict";

const basket = document.getElementById("basket");
let count = 0;

for (const button of document.querySelectorAll("[data-add]")) {
  button.addEventListener("click", () => {
    count += 1;
    basket.textContent = new Intl.NumberFormat(document.documentElement.lang).format(count);
    button.textContent = button.dataset.add;
    button.classList.add("done");
  });
}

for (const button of document.querySelectorAll("[data-open-chat]")) {
  button.addEventListener("click", () => window.ContactCenter?.open());
}
