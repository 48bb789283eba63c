/* The portrait is cut in the page: a frame of 5:7, moved and enlarged by mouse, fingers or keys. What the frame holds
   goes into the file field as a JPEG of 295 × 413, so the form is sent as always. Without this script the chosen file
   is sent as it is, and the server looks at it. Bound to <input type="file" data-crop="295x413">. */
(function () {
  "use strict";
  const LARGEST = 30 * 1024 * 1024;
  /* The server takes nothing below 20 KB: a good picture of this size has more at full quality. */
  const LEAST_BYTES = 21 * 1024;
  const QUALITIES = [0.92, 0.97, 1];
  const WORK_SIDE = 2400;
  const WHITE = 215;
  const COLOURLESS = 28;
  const HEIF = /^(heic|heix|hevc|heim|heis|mif1|msf1|avif)$/;
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

  const canFill = () => {
    try { return new DataTransfer().items !== undefined; } catch (error) { return false; }
  };
  const decoded = (file) => new Promise((resolve, reject) => {
    const picture = new Image();
    const url = URL.createObjectURL(file);
    picture.onload = () => { URL.revokeObjectURL(url); resolve(picture); };
    picture.onerror = () => { URL.revokeObjectURL(url); reject(new Error("no picture")); };
    picture.src = url;
  });
  const isHeif = async (file) => {
    const head = String.fromCharCode(...new Uint8Array(await file.slice(4, 12).arrayBuffer()));
    return head.slice(0, 4) === "ftyp" && HEIF.test(head.slice(4));
  };
  const sheet = (width, height) => {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width));
    canvas.height = Math.max(1, Math.round(height));
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    return [canvas, pen];
  };
  /* A part of a picture in another size; halved step by step, so that nothing flickers away. */
  const scaled = (source, left, top, width, height, toWidth, toHeight) => {
    let from = [source, left, top, width, height];
    while (from[3] > 2 * toWidth) {
      const [half, pen] = sheet(from[3] / 2, from[4] / 2);
      pen.drawImage(from[0], from[1], from[2], from[3], from[4], 0, 0, half.width, half.height);
      from = [half, 0, 0, half.width, half.height];
    }
    const [canvas, pen] = sheet(toWidth, toHeight);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(from[0], from[1], from[2], from[3], from[4], 0, 0, canvas.width, canvas.height);
    return canvas;
  };
  const bytesOf = (canvas, quality) => {
    const text = atob(canvas.toDataURL("image/jpeg", quality).split(",")[1]);
    return Uint8Array.from(text, (char) => char.charCodeAt(0));
  };

  const cutter = (input) => {
    const field = input.closest("[data-photo]");
    const template = field && field.querySelector("template[data-crop-tool]");
    const shown = field && field.querySelector(".photo");
    if (!template || !shown) return;
    const [WIDTH, HEIGHT] = input.dataset.crop.split("x").map(Number);
    const before = shown.innerHTML;
    const tool = template.content.firstElementChild.cloneNode(true);
    const stage = tool.querySelector("canvas");
    const slider = tool.querySelector("input[type=range]");
    const says = field.querySelector("[data-crop-says]");
    const texts = {};
    tool.querySelectorAll("[data-text]").forEach((text) => { texts[text.dataset.text] = text.textContent.trim(); });
    tool.hidden = true;
    template.replaceWith(tool);

    let upright = null;
    let work = null;
    let view = null;
    let due = 0;

    const say = (tone, ...lines) => {
      says.textContent = "";
      lines.filter(Boolean).forEach((line) => {
        const words = document.createElement("p");
        words.className = tone;
        words.textContent = line;
        says.appendChild(words);
      });
    };
    const close = () => {
      clearTimeout(due);
      due = 0;
      upright = work = view = null;
      tool.hidden = true;
      input.value = "";
      shown.innerHTML = before;
    };
    const refuse = (line) => { close(); say("wrong", line); input.focus(); };

    /* --- What is seen ------------------------------------------------------------------------ */
    const widest = () => Math.min(work.width, (work.height * WIDTH) / HEIGHT);
    const most = () => Math.max(1, widest() / WIDTH);
    const cut = () => {
      const width = widest() / view.zoom;
      return { width, height: (width * HEIGHT) / WIDTH };
    };
    const within = () => {
      view.zoom = clamp(view.zoom, 1, most());
      const { width, height } = cut();
      view.x = clamp(view.x, width / 2, work.width - width / 2);
      view.y = clamp(view.y, height / 2, work.height - height / 2);
    };
    const frame = () => {
      const box = stage.getBoundingClientRect();
      const width = Math.min(box.width * 0.78, (box.height * 0.88 * WIDTH) / HEIGHT);
      const height = (width * HEIGHT) / WIDTH;
      return { box, width, height, left: (box.width - width) / 2, top: (box.height - height) / 2 };
    };
    const draw = () => {
      if (!work) return;
      const { box, width, height, left, top } = frame();
      const fine = window.devicePixelRatio || 1;
      stage.width = Math.round(box.width * fine);
      stage.height = Math.round(box.height * fine);
      const pen = stage.getContext("2d");
      pen.scale(fine, fine);
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, box.width, box.height);
      const scale = width / cut().width;
      pen.imageSmoothingQuality = "high";
      pen.drawImage(work, box.width / 2 - view.x * scale, box.height / 2 - view.y * scale, work.width * scale, work.height * scale);
      pen.fillStyle = "rgba(31, 41, 51, 0.6)";
      pen.beginPath();
      pen.rect(0, 0, box.width, box.height);
      pen.rect(left, top, width, height);
      pen.fill("evenodd");
      pen.strokeStyle = "#ffffff";
      pen.lineWidth = 2;
      pen.strokeRect(left, top, width, height);
      /* Where the head belongs; two colours, so that it is seen on every ground. */
      [["rgba(255, 255, 255, 0.8)", 3, []], ["#1d4e89", 1.5, [6, 5]]].forEach(([colour, thick, dashes]) => {
        pen.strokeStyle = colour;
        pen.lineWidth = thick;
        pen.setLineDash(dashes);
        pen.beginPath();
        pen.ellipse(box.width / 2, top + height * 0.43, width * 0.31, height * 0.31, 0, 0, 2 * Math.PI);
        pen.stroke();
      });
    };
    const changed = () => {
      within();
      slider.value = String(most() > 1 ? (100 * Math.log(view.zoom)) / Math.log(most()) : 0);
      requestAnimationFrame(draw);
      clearTimeout(due);
      due = setTimeout(write, 200);
    };
    const move = (right, down) => {
      const scale = cut().width / frame().width;
      view.x -= right * scale;
      view.y -= down * scale;
      changed();
    };
    /* Enlarge so that the point under the pointer stays where it is. */
    const enlarge = (factor, at) => {
      const { box, width } = frame();
      const there = at ? { x: at.x - box.left - box.width / 2, y: at.y - box.top - box.height / 2 } : { x: 0, y: 0 };
      const was = cut().width / width;
      view.zoom = clamp(view.zoom * factor, 1, most());
      const now = cut().width / width;
      view.x += there.x * (was - now);
      view.y += there.y * (was - now);
      changed();
    };
    const whole = () => {
      view = { zoom: 1, x: work.width / 2, y: work.height / 2 };
      /* Heads stand in the upper part of a tall picture. */
      view.y = cut().height / 2 + (work.height - cut().height) * 0.3;
      changed();
    };
    const turn = () => {
      const [turned, pen] = sheet(work.height, work.width);
      pen.translate(0, turned.height);
      pen.rotate(-Math.PI / 2);
      pen.drawImage(work, 0, 0);
      work = turned;
      whole();
    };

    const anew = () => { work = upright; whole(); };

    /* --- What is sent ------------------------------------------------------------------------ */
    /* Whether the upper corners, where no head is, look white: the same rule as on the server. */
    const onWhite = (result) => {
      const side = Math.floor(WIDTH / 8);
      const strip = result.getContext("2d").getImageData(0, 0, WIDTH, Math.floor(HEIGHT / 5));
      return [0, WIDTH - side].every((left) => {
        const sums = [0, 0, 0];
        for (let y = 0; y < strip.height; y += 1) {
          for (let x = left; x < left + side; x += 1) {
            for (let band = 0; band < 3; band += 1) sums[band] += strip.data[4 * (y * WIDTH + x) + band];
          }
        }
        const means = sums.map((sum) => sum / (side * strip.height));
        return Math.min(...means) >= WHITE && Math.max(...means) - Math.min(...means) <= COLOURLESS;
      });
    };
    const write = () => {
      clearTimeout(due);
      due = 0;
      if (!work) return;
      const { width, height } = cut();
      const result = scaled(work, view.x - width / 2, view.y - height / 2, width, height, WIDTH, HEIGHT);
      const bytes = QUALITIES.map((quality) => () => bytesOf(result, quality)).reduce(
        (found, next) => (found && found.length >= LEAST_BYTES ? found : next()), null);
      const file = new File([bytes], "photo.jpg", { type: "image/jpeg" });
      const carrier = new DataTransfer();
      carrier.items.add(file);
      input.files = carrier.files;
      const picture = document.createElement("img");
      picture.alt = texts.cut;
      picture.src = result.toDataURL("image/jpeg", 0.92);
      shown.textContent = "";
      shown.appendChild(picture);
      if (bytes.length < LEAST_BYTES) say("wrong", texts.faint);
      else if (field.dataset.ground !== "white" || onWhite(result)) say("crop-good", texts.good);
      else say("crop-doubt", texts.good, texts.ground);
    };

    /* --- Choosing ---------------------------------------------------------------------------- */
    const choose = async () => {
      const file = input.files[0];
      if (!file) { close(); say(""); return; }
      if (!file.size) { refuse(texts.empty); return; }
      if (file.size > LARGEST) { refuse(texts.large); return; }
      let picture;
      try {
        picture = await decoded(file);
      } catch (error) {
        refuse((await isHeif(file).catch(() => false)) ? texts.heic : texts.broken);
        return;
      }
      const [across, down] = [picture.naturalWidth, picture.naturalHeight];
      if (Math.min(across / WIDTH, down / HEIGHT) < 1 && Math.min(down / WIDTH, across / HEIGHT) < 1) {
        refuse(texts.small.replace("{size}", `${across}×${down}`));
        return;
      }
      const scale = Math.min(1, WORK_SIDE / Math.max(across, down));
      const [canvas, pen] = sheet(across * scale, down * scale);
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      upright = work = canvas;
      tool.hidden = false;
      whole();
      write();
      stage.focus({ preventScroll: true });
      tool.scrollIntoView({ block: "nearest" });
    };
    input.addEventListener("change", choose);
    input.form.addEventListener("submit", () => { if (due) write(); }, true);
    window.addEventListener("resize", () => work && requestAnimationFrame(draw));

    /* --- Mouse and fingers ------------------------------------------------------------------- */
    const fingers = new Map();
    const middle = () => {
      const [a, b] = Array.from(fingers.values());
      return b ? { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) } : { x: a.x, y: a.y, apart: 0 };
    };
    stage.addEventListener("pointerdown", (event) => {
      if (!work || fingers.size > 1) return;
      stage.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    stage.addEventListener("pointermove", (event) => {
      if (!work || !fingers.has(event.pointerId)) return;
      const was = middle();
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const now = middle();
      move(now.x - was.x, now.y - was.y);
      if (was.apart && now.apart) enlarge(now.apart / was.apart, now);
    });
    ["pointerup", "pointercancel", "lostpointercapture"].forEach((end) =>
      stage.addEventListener(end, (event) => fingers.delete(event.pointerId)));
    stage.addEventListener("wheel", (event) => {
      if (!work) return;
      event.preventDefault();
      enlarge(Math.exp(-clamp(event.deltaY, -100, 100) * 0.002), { x: event.clientX, y: event.clientY });
    }, { passive: false });

    /* --- Keys and buttons -------------------------------------------------------------------- */
    const STEP = 8;
    const KEYS = {
      ArrowLeft: (far) => move(-far, 0), ArrowRight: (far) => move(far, 0),
      ArrowUp: (far) => move(0, -far), ArrowDown: (far) => move(0, far),
      "+": () => enlarge(1.06), "=": () => enlarge(1.06), "-": () => enlarge(1 / 1.06), _: () => enlarge(1 / 1.06),
      r: turn, R: turn, 0: anew,
    };
    stage.addEventListener("keydown", (event) => {
      const act = KEYS[event.key];
      if (!work || !act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act(event.shiftKey ? 5 * STEP : STEP);
    });
    slider.addEventListener("input", () => {
      if (!work) return;
      view.zoom = Math.exp((Number(slider.value) / 100) * Math.log(most()));
      changed();
    });
    const BUTTONS = { larger: () => enlarge(1.12), smaller: () => enlarge(1 / 1.12), turn, whole: anew, cancel: () => { close(); say(""); input.focus(); } };
    tool.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-do]");
      if (button && work) BUTTONS[button.dataset.do]();
    });
  };

  if (canFill()) document.querySelectorAll("input[type=file][data-crop]").forEach(cutter);
})();
