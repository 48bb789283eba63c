/* The form's own page, asked for by 打印: the print dialogue opens as soon as everything is there. */
window.addEventListener("load", () => window.print());
