"use strict";
(() => {
  const form = document.querySelector(".filter");
  const tables = [...document.querySelectorAll(".table")].map((box) => ({
    box,
    id: box.id,
    head: [...box.querySelectorAll("thead th")],
    body: box.querySelector("tbody"),
    rows: [...box.querySelectorAll("tbody tr")],
    sort: null,
  }));
  const byId = new Map(tables.map((table) => [table.id, table]));
  // What a filter looks through: the cases, not the facts about machines.
  const filtered = tables.filter((table) => table.box.closest("article, #start-methods, #failed"));
  const words = new Map();

  const textOf = (row, table) => {
    if (!words.has(row)) {
      const article = table.box.closest("article");
      const name = article ? article.querySelector("h3").textContent : "";
      words.set(row, `${name} ${row.textContent}`.toLowerCase());
    }
    return words.get(row);
  };

  const valueOf = (cell) => (cell.dataset.v === undefined ? cell.textContent : cell.dataset.v);

  // Numbers by size and text by the alphabet; what has no value stands last either way.
  const compare = (first, second, isNumber) => {
    if (!isNumber) return first.localeCompare(second, "en", { numeric: true });
    const [a, b] = [parseFloat(first), parseFloat(second)];
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b) || 0;
    return a - b;
  };

  const sortTable = (table, column, direction) => {
    const isNumber = table.rows.some((row) => !Number.isNaN(parseFloat(row.cells[column].dataset.v)));
    const sign = direction === "d" ? -1 : 1;
    const order = table.rows.map((row, place) => ({ row, place, value: valueOf(row.cells[column]) }));
    order.sort((a, b) => {
      const missing = isNumber && (Number.isNaN(parseFloat(a.value)) || Number.isNaN(parseFloat(b.value)));
      const found = compare(a.value, b.value, isNumber);
      return (missing ? found : sign * found) || a.place - b.place;
    });
    table.body.append(...order.map((one) => one.row));
    table.head.forEach((th, place) => {
      if (place === column) th.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      else th.removeAttribute("aria-sort");
    });
    table.sort = { column, direction };
  };

  const unsort = (table) => {
    table.body.append(...table.rows);
    table.head.forEach((th) => th.removeAttribute("aria-sort"));
    table.sort = null;
  };

  const filter = (text) => {
    const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    let total = 0;
    for (const table of filtered) {
      let here = 0;
      for (const row of table.rows) {
        const fits = parts.every((part) => textOf(row, table).includes(part));
        row.hidden = !fits;
        here += fits;
      }
      const article = table.box.closest("article");
      if (article && !table.box.closest("details")) {
        article.hidden = parts.length > 0 && here === 0;
        shown += here;
        total += table.rows.length;
      }
    }
    for (const family of document.querySelectorAll(".family")) {
      const articles = [...family.querySelectorAll("article")];
      family.hidden = articles.length > 0 && articles.every((article) => article.hidden);
    }
    form.elements.shown.value = parts.length ? `${shown} of ${total} cases` : `${total} cases`;
  };

  const state = () => {
    const found = new URLSearchParams();
    if (form.elements.q.value) found.set("q", form.elements.q.value);
    for (const table of tables) {
      if (table.sort) found.append("sort", `${table.id}.${table.sort.column}.${table.sort.direction}`);
    }
    return found.toString();
  };

  const remember = () => {
    const text = state();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };

  const restore = () => {
    const text = location.hash.slice(1);
    document.querySelectorAll("tr.at").forEach((row) => row.classList.remove("at"));
    if (!text.includes("=")) {
      const target = text && document.getElementById(decodeURIComponent(text));
      if (!target) return;
      if (target.closest("[hidden]")) {
        form.elements.q.value = "";
        filter("");
      }
      for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
      target.scrollIntoView({ block: target.tagName === "TR" ? "center" : "start" });
      return;
    }
    const wanted = new URLSearchParams(text);
    form.elements.q.value = wanted.get("q") || "";
    filter(form.elements.q.value);
    tables.forEach((table) => table.sort && unsort(table));
    for (const one of wanted.getAll("sort")) {
      const [, id, column, direction] = one.match(/^(.+)\.(\d+)\.([ad])$/) || [];
      const table = byId.get(id);
      if (table && Number(column) < table.head.length) sortTable(table, Number(column), direction);
    }
  };

  const visible = (table) => [...table.body.rows].filter((row) => !row.hidden);
  const clean = (text) => text.replace(/\s+/g, " ").trim();
  const shownText = (cell) => {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll(".link, svg").forEach((one) => one.remove());
    return clean(copy.textContent);
  };

  const markdown = (table) => {
    const escape = (text) => text.replace(/[\\`|<>*_[\]]/g, "\\$&");
    const head = table.head.map((th) => escape(clean(th.textContent)));
    const rule = table.head.map((th) => (th.classList.contains("n") ? "---:" : "---"));
    const rows = visible(table).map((row) => [...row.cells].map((cell) => escape(shownText(cell))));
    return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n") + "\n";
  };

  const csv = (table) => {
    // A spreadsheet would run a text that begins like a formula.
    const safe = (text) => (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
    const quote = (text) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
    const head = table.head.map((th) => th.dataset.k);
    const value = (cell) => (cell.dataset.v === undefined ? shownText(cell) : cell.dataset.v);
    const rows = visible(table).map((row) => [...row.cells].map(value));
    return [head, ...rows].map((row) => row.map((text) => quote(safe(text))).join(",")).join("\n") + "\n";
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  for (const table of tables) {
    table.head.forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      button.addEventListener("click", () => {
        const again = table.sort && table.sort.column === column;
        if (again && table.sort.direction === "d") unsort(table);
        else sortTable(table, column, again ? "d" : "a");
        remember();
      });
      th.append(button);
    });
    const tools = table.box.querySelector(".tools");
    tools.hidden = false;
    tools.addEventListener("click", async (event) => {
      const kind = event.target.dataset.copy;
      if (!kind) return;
      await copy(kind === "csv" ? csv(table) : markdown(table));
      const done = tools.querySelector(".done");
      done.textContent = `${visible(table).length} rows copied`;
      setTimeout(() => { done.textContent = ""; }, 2500);
    });
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { filter(form.elements.q.value); remember(); });
  form.addEventListener("reset", () => setTimeout(() => {
    tables.forEach((table) => table.sort && unsort(table));
    filter("");
    remember();
  }));
  addEventListener("hashchange", restore);

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open], .samples)")];
    closed.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));

  filter("");
  restore();
})();
