// The operator's time zone and choice of colours, kept in cookies so that the server can draw with them.
(() => {
  const read = (name) => document.cookie.split("; ").find((part) => part.startsWith(name + "="))?.split("=")[1];
  const keep = (name, value) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/console; max-age=31536000; samesite=lax${secure}`;
  };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  if (read("iot_zone") !== zone) {
    keep("iot_zone", zone);
    if (read("iot_zone") === zone && zone !== "UTC") location.reload();
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const theme = read("iot_theme") || "auto";
    const night = theme === "dark" || (theme === "auto" && dark.matches);
    document.documentElement.dataset.theme = night ? "dark" : "light";
    document.querySelectorAll("[data-theme-switch]").forEach((button) => {
      button.title = `Colours: ${theme}`;
      button.setAttribute("aria-label", `Colours: ${theme}. Change`);
    });
    if (window.Quasar) window.Quasar.Dark.set(night);
  };
  paint();
  dark.addEventListener("change", paint);
  addEventListener("load", () => setTimeout(paint, 0));
  addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-switch]")) return;
    const next = { auto: "light", light: "dark", dark: "auto" };
    keep("iot_theme", next[read("iot_theme") || "auto"]);
    paint();
  });
})();
