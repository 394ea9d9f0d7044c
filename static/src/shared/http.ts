/** JSON over our own session: CSRF header, errors as values people can read. */

import { gettext } from "./i18n";

export class HttpError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let csrf = "";

export function setCsrfToken(token: string): void {
  if (token) csrf = token;
}

/** Given by the page, by the socket's welcome, or else the cookie's. */
export function csrfToken(): string {
  return csrf || /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1] || "";
}

/** What a server's error body says; servers differ, people should read a sentence in any case. */
export function errorOf(status: number, body: unknown): HttpError {
  let code = `http.${status}`;
  let message = "";
  if (typeof body === "object" && body !== null) {
    const fields = body as Record<string, unknown>;
    if (typeof fields["code"] === "string") code = fields["code"];
    const said = fields["message"] ?? fields["detail"] ?? fields["error"];
    if (typeof said === "string") message = said;
    else {
      const first = Object.values(fields).flat()[0];
      if (typeof first === "string") message = first;
    }
  }
  if (!message) {
    if (status === 0) message = gettext("The server cannot be reached. Check the connection and try again.");
    else if (status === 401 || status === 403) message = gettext("You may not do this. Sign in again if in doubt.");
    else if (status === 404) message = gettext("This is gone, or not yours to see.");
    else if (status === 413) message = gettext("The file is too large.");
    else message = gettext("The server could not do this. Try again in a moment.");
  }
  return new HttpError(status, code, message);
}

export async function request<T>(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw errorOf(0, null);
  }
  const answer: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw errorOf(response.status, answer);
  return answer as T;
}

export interface UploadHandle<T> {
  done: Promise<T>;
  cancel: () => void;
}

/** Multipart with progress: fetch cannot report how much has been sent. */
export function upload<T>(url: string, file: File, onProgress: (share: number) => void): UploadHandle<T> {
  const xhr = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject) => {
    xhr.open("POST", url);
    xhr.responseType = "json";
    xhr.setRequestHeader("Accept", "application/json");
    xhr.setRequestHeader("X-CSRFToken", csrfToken());
    xhr.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve(xhr.response as T);
      else reject(errorOf(xhr.status, xhr.response));
    };
    xhr.onerror = () => reject(errorOf(0, null));
    xhr.onabort = () => reject(new DOMException("aborted", "AbortError"));
  });
  const form = new FormData();
  form.append("file", file, file.name);
  xhr.send(form);
  return { done, cancel: () => xhr.abort() };
}
