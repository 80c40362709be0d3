// Sign in: show the password; in a demo, fill in a sign-in.
const $ = (q) => document.querySelector(q);
$("[data-show]").addEventListener("click", (e) => {
  const pw = $("#pw"), on = pw.type === "password";
  pw.type = on ? "text" : "password";
  e.currentTarget.setAttribute("aria-pressed", on);
  e.currentTarget.textContent = on ? "Hide" : "Show";
});
for (const b of document.querySelectorAll("[data-fill]")) b.addEventListener("click", () => {
  $("#user").value = b.dataset.fill;
  $("#pw").value = b.dataset.password;
  $("#pw").form.requestSubmit();
});
