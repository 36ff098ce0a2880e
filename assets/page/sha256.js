/* SHA-256 (FIPS 180-4) of a text in UTF-8, as lower-case hex: crypto.subtle does not exist on plain http. */
var guidaSha256 = (function () {
  'use strict';

  /* First 32 bits of the fractional parts of a root of the first `count` primes (FIPS 180-4, 4.2.2 and 5.3.3). */
  function constants(count, root) {
    var found = [];
    for (var n = 2; found.length < count; n++) {
      var prime = true;
      for (var d = 2; d * d <= n; d++) {
        if (n % d === 0) { prime = false; break; }
      }
      if (prime) {
        var value = root(n);
        found.push(((value - Math.floor(value)) * 4294967296) | 0);
      }
    }
    return found;
  }

  var START = constants(8, Math.sqrt);
  var ROUND = constants(64, Math.cbrt);

  function rotate(x, n) { return (x >>> n) | (x << (32 - n)); }

  function utf8(text) {
    var escaped = unescape(encodeURIComponent(text));
    var bytes = [];
    for (var i = 0; i < escaped.length; i++) { bytes.push(escaped.charCodeAt(i)); }
    return bytes;
  }

  return function (text) {
    var bytes = utf8(text);
    var bits = bytes.length * 8;
    bytes.push(0x80);
    while (bytes.length % 64 !== 56) { bytes.push(0); }
    for (var shift = 56; shift >= 0; shift -= 8) {
      bytes.push(shift >= 32 ? Math.floor(bits / 4294967296) >>> (shift - 32) & 255 : bits >>> shift & 255);
    }
    var hash = START.slice();
    var w = [];
    for (var at = 0; at < bytes.length; at += 64) {
      for (var t = 0; t < 64; t++) {
        if (t < 16) {
          var i = at + t * 4;
          w[t] = bytes[i] << 24 | bytes[i + 1] << 16 | bytes[i + 2] << 8 | bytes[i + 3];
        } else {
          var x = w[t - 15], y = w[t - 2];
          w[t] = (w[t - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >>> 3) + w[t - 7] + (rotate(y, 17) ^ rotate(y, 19) ^ y >>> 10)) | 0;
        }
      }
      var a = hash.slice();
      for (var r = 0; r < 64; r++) {
        var t1 = (a[7] + (rotate(a[4], 6) ^ rotate(a[4], 11) ^ rotate(a[4], 25)) + (a[4] & a[5] ^ ~a[4] & a[6]) + ROUND[r] + w[r]) | 0;
        var t2 = ((rotate(a[0], 2) ^ rotate(a[0], 13) ^ rotate(a[0], 22)) + (a[0] & a[1] ^ a[0] & a[2] ^ a[1] & a[2])) | 0;
        a = [(t1 + t2) | 0, a[0], a[1], a[2], (a[3] + t1) | 0, a[4], a[5], a[6]];
      }
      for (var k = 0; k < 8; k++) { hash[k] = (hash[k] + a[k]) | 0; }
    }
    return hash.map(function (word) { return ('0000000' + (word >>> 0).toString(16)).slice(-8); }).join('');
  };
})();
