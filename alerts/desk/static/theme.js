// In <head>, before the sheets: the stored choice, so that no wrong theme flashes. Without one the system's preference holds.
const stored = localStorage.getItem("vigil-theme");
if (stored) document.documentElement.dataset.theme = stored;
