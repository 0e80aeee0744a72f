// SPDX-License-Identifier: MIT
// A camera with Java: one request over TLS after the other.
//
//	java Java.java ADDRESS PORT {NAME CA VERSION}...
//
// Prints a line for each: "ok", or "refused WHY".
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

class Java {
	static SSLContext trusting(String ca) throws Exception {
		KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
		store.load(null);
		try (FileInputStream in = new FileInputStream(ca)) {
			store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
		}
		TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
		trust.init(store);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(null, trust.getTrustManagers(), null);
		return context;
	}

	static String ask(String address, int port, String name, String ca, String version) {
		try (SSLSocket socket = (SSLSocket) trusting(ca).getSocketFactory().createSocket(address, port)) {
			SSLParameters parameters = socket.getSSLParameters();
			parameters.setServerNames(List.of(new SNIHostName(name)));
			socket.setSSLParameters(parameters);
			socket.setEnabledProtocols(new String[] {version});
			socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: cloud\r\n\r\n".getBytes());
			String answer = new String(socket.getInputStream().readNBytes(12));
			return answer.equals("HTTP/1.1 200") ? "ok" : "refused " + answer;
		} catch (Exception error) {
			return "refused " + error.getMessage().replace('\n', ' ');
		}
	}

	public static void main(String[] words) {
		for (int i = 2; i + 2 < words.length; i += 3)
			System.out.println(ask(words[0], Integer.parseInt(words[1]), words[i], words[i + 1], words[i + 2]));
	}
}
