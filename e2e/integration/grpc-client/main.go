// A gRPC client whose routing comes from xDS: for each line of input, a number, it makes so many
// calls and writes how many answers there were of each kind, as one line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const method = "/meshwright.test.Versions/Get"

func ask(connection *grpc.ClientConn, user string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if user != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "end-user", user)
	}
	answer := &wrapperspb.StringValue{}
	err := connection.Invoke(ctx, method, &emptypb.Empty{}, answer, grpc.WaitForReady(true))
	if err != nil {
		log.Print(err)
		return strings.ToUpper(status.Code(err).String())
	}
	return answer.GetValue()
}

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	user := ""
	if len(os.Args) > 2 {
		user = os.Args[2]
	}
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		calls, err := strconv.Atoi(lines.Text())
		if err != nil {
			log.Fatal(err)
		}
		counts := map[string]int{}
		for range calls {
			counts[ask(connection, user)]++
		}
		if err := answers.Encode(counts); err != nil {
			log.Fatal(err)
		}
	}
}
