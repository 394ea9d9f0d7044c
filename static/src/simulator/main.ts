import "../shared/tokens.css";
import "../shared/base.css";
import { mount } from "svelte";
import { setLocale } from "../shared/format";
import App from "./App.svelte";

export interface Config {
  simulators: { slug: string; label: string }[];
  language: string;
}

const config = JSON.parse(document.getElementById("simulator-config")?.textContent ?? "{}") as Config;
setLocale(config.language);

const target = document.getElementById("simulator");
if (target) mount(App, { target, props: { config } });
