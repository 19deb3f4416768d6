// Renders templates as KUDO does, for comparison: one JSON request and one answer per line.
// With an argument, prints the names of the functions.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"

	"github.com/Masterminds/sprig"
)

type answer struct {
	Text  string `json:"text"`
	Error string `json:"error"`
}

func render(source string, values interface{}) (result answer) {
	defer func() {
		if problem := recover(); problem != nil {
			result = answer{Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	functions := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "base", "dir", "clean", "ext", "isAbs"} {
		delete(functions, name)
	}
	parsed, err := template.New("t").Funcs(functions).Option("missingkey=error").Parse(source)
	if err != nil {
		return answer{Error: err.Error()}
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, values); err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Text: text.String()}
}

func main() {
	if len(os.Args) > 1 {
		names := []string{}
		for name := range sprig.TxtFuncMap() {
			names = append(names, name)
		}
		encoded, _ := json.Marshal(names)
		fmt.Println(string(encoded))
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64*1024*1024)
	for lines.Scan() {
		var request struct {
			Template string
			Values   interface{}
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			panic(err)
		}
		encoded, _ := json.Marshal(render(request.Template, request.Values))
		fmt.Println(string(encoded))
	}
}
