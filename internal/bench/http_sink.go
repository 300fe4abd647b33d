package main

import (
	"bytes"
	"net"
	"strconv"
	"time"
)

// serveHTTP answers requests with what reply makes of their first line, keeping the connection open. It
// knows Content-Length only, which is what every client here sends.
func (s *Sink) serveHTTP(c net.Conn) {
	buf, n := make([]byte, 64<<10), 0
	out := make([]byte, 0, 512)
	for {
		head := bytes.Index(buf[:n], []byte("\r\n\r\n"))
		if head < 0 {
			if n == len(buf) {
				return
			}
			k, err := c.Read(buf[n:])
			if n += k; err != nil {
				return
			}
			continue
		}
		size, ok := contentLength(buf[:head])
		total := head + 4 + size
		if !ok || total > len(buf) {
			s.odd.Add(1)
			return
		}
		for n < total {
			k, err := c.Read(buf[n:])
			if n += k; err != nil {
				return
			}
		}
		line := buf[:bytes.IndexByte(buf[:head+2], '\r')]
		status, body, counts := s.reply(line)
		if counts {
			s.arrive()
			s.wait()
			s.taken.Add(1)
			s.bytes.Add(int64(total))
		}
		out = append(out[:0], "HTTP/1.1 "...)
		out = append(out, status...)
		out = append(out, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(body)), 10)
		out = append(out, "\r\n\r\n"...)
		if _, err := c.Write(append(out, body...)); err != nil {
			return
		}
		n = copy(buf, buf[total:n])
	}
}

// contentLength of a request's head; ok is false for a chunked body.
func contentLength(head []byte) (size int, ok bool) {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			return n, err == nil && n >= 0
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return 0, false
		}
	}
	return 0, true
}

// The answers have the shape that the clients read, and ids that do not repeat.

func (s *Sink) webhookReply([]byte) (status, body string, counts bool) {
	return "204 No Content", "", true
}

func (s *Sink) twilioReply(line []byte) (status, body string, counts bool) {
	if bytes.HasPrefix(line, []byte("GET ")) { // the account, or a message that is looked for
		return "200 OK", `{"sid":"` + twilioSID + `","status":"active"}`, false
	}
	return "201 Created", `{"sid":"SM` + hex32(s.ids.Add(1)) + `","status":"queued","num_segments":"1"}`, true
}

func (s *Sink) telegramReply(line []byte) (status, body string, counts bool) {
	switch {
	case bytes.Contains(line, []byte("/sendMessage")):
		return "200 OK", `{"ok":true,"result":{"message_id":` + strconv.FormatInt(s.ids.Add(1), 10) + `,"date":1700000000,"chat":{"id":1,"type":"private"}}}`, true
	case bytes.Contains(line, []byte("/getUpdates")):
		select { // a long poll that brings nothing
		case <-s.closing:
		case <-time.After(20 * time.Second):
		}
		return "200 OK", `{"ok":true,"result":[]}`, false
	}
	return "200 OK", `{"ok":true,"result":true}`, false
}

func hex32(n int64) string {
	h := strconv.FormatInt(n, 16)
	return "00000000000000000000000000000000"[len(h):] + h
}
