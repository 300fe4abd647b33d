package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// poster posts over one connection that stays open, and looks at no more of an answer than it must: the client shares
// the processors with what it measures, and net/http's takes half as much as the server.
type poster struct {
	conn net.Conn
	in   *bufio.Reader
	head string // of each request, up to the length of its body
	out  []byte
}

func (in *Installation) poster(path string) (*poster, error) {
	host := strings.TrimPrefix(in.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	head := "POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + in.Key + "\r\nContent-Type: application/json\r\nContent-Length: "
	return &poster{conn: conn, in: bufio.NewReader(conn), head: head}, conn.SetDeadline(time.Now().Add(5 * time.Minute))
}

// post is an error for every answer but success.
func (p *poster) post(body []byte) error {
	p.out = append(strconv.AppendInt(append(p.out[:0], p.head...), int64(len(body)), 10), "\r\n\r\n"...)
	if _, err := p.conn.Write(append(p.out, body...)); err != nil {
		return err
	}
	line, err := p.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	status := string(bytes.TrimSpace(line))
	size := -1
	for {
		if line, err = p.in.ReadSlice('\n'); err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if size < 0 {
		return fmt.Errorf("%s, and no length", status)
	}
	if strings.HasPrefix(status, "HTTP/1.1 2") {
		_, err = p.in.Discard(size)
		return err
	}
	text, _ := io.ReadAll(io.LimitReader(p.in, int64(min(size, 2000))))
	return fmt.Errorf("%s %s", status, text)
}
