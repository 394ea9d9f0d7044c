import { gettext } from "./i18n";

/** An activity's name: those every installation starts with are translated, an administrator's own shown as they are. */
export function activityName(name: string): string {
  switch (name) {
    case "Available":
      return gettext("Available");
    case "Unavailable":
      return gettext("Unavailable");
    case "Break":
      return gettext("Break");
    case "Lunch":
      return gettext("Lunch");
    case "Offline":
      return gettext("Offline");
    default:
      return name;
  }
}
