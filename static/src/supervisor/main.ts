import "../shared/tokens.css";
import "./style.css";
import { mount } from "svelte";
import { setLocale } from "../shared/format";
import { setCsrfToken } from "../shared/http";
import App from "./App.svelte";

export interface Config {
  language: string;
  csrf: string;
  ws_path: string;
  /** The sid in the page's address as it was asked for, the default one's without. */
  workspace: string;
  /** Those this person may look at. */
  workspaces: { sid: string; name: string }[];
  console_url: string;
  task_url: string;
  agent_url: string;
  login_url: string;
}

const config = JSON.parse(document.getElementById("live-config")?.textContent ?? "{}") as Config;
setLocale(config.language);
setCsrfToken(config.csrf);

const target = document.getElementById("live");
if (target) mount(App, { target, props: { config } });
