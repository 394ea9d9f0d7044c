/** What the page gives us in `<script type="application/json" id="console-config">`. */

export interface ConsoleConfig {
  user: { sid: string; name: string; username: string; is_supervisor?: boolean };
  ws_path: string;
  language: string;
  theme: "system" | "light" | "dark";
  csrf?: string;
  logout_url?: string;
  login_url?: string;
  admin_url?: string;
  product_name?: string;
}

export function readConfig(): ConsoleConfig {
  const element = document.getElementById("console-config");
  const given = JSON.parse(element?.textContent || "{}") as Partial<ConsoleConfig>;
  return {
    user: { sid: "", name: "", username: "" },
    ws_path: "/ws/console/",
    language: document.documentElement.lang || "en",
    theme: "system",
    ...given,
  };
}
