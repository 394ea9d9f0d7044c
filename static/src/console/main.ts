import "../shared/tokens.css";
import "../shared/base.css";
import { mount } from "svelte";
import { setLocale } from "../shared/format";
import { setCsrfToken } from "../shared/http";
import { readConfig } from "./config";
import App from "./components/App.svelte";
import { applyTheme } from "./desk/theme";

const config = readConfig();
document.documentElement.lang = config.language;
document.documentElement.dir = config.language === "ar" ? "rtl" : "ltr";
applyTheme(config.theme);
setLocale(config.language);
setCsrfToken(config.csrf ?? document.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "");

const target = document.getElementById("console");
if (target) mount(App, { target, props: { config } });
