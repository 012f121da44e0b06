// On a phone the contents are folded away; the button in the header shows them.
document.addEventListener("DOMContentLoaded", () => {
  const button = document.querySelector(".toggle-sidenav");
  button.addEventListener("click", () => {
    const open = document.body.classList.toggle("sidenav-open");
    button.setAttribute("aria-expanded", String(open));
  });
});
